// The form that takes a refresh token: in the first run, for a new account, and for an account that must log in again.

import { changeSettings, loggedIn, logIn, settings } from "./agent.js";
import { forgetCredential, takeCredentials } from "./credential.js";
import { button, field, fromTemplate, input, part, say, write } from "./page.js";
import { isRight, placeFields, preset, readPlace } from "./place-fields.js";
import { askToReplace, waitForSignIn } from "./sign-in.js";
import { asTrouble, attempt } from "./trouble.js";

/** @import { Place, SignInMethod } from "./types" */

/**
 * @typedef {object} Options
 * @property {string | null} account the account to log in to; null: a new one, whose name and place are asked for
 * @property {string | null} [endpoint] the one that this account is shown with
 * @property {SignInMethod[]} [signIn] how that account can log in other than with a refresh token
 * @property {string} [suggestion] a name for the new account
 * @property {boolean} [isFirst] the first login here, with which Evertoken begins to start with the desktop
 * @property {string} [label] the button's text
 * @property {() => void} [onCancel]
 * @property {() => void} [onDone]
 */

/** Where a new login belongs, in a word. */
const PLACES = { production: "Vault", sandbox: "Sandbox", custom: "another token endpoint", issuer: "OAuth 2.0 server" };

/** What an OAuth 2.0 server may offer; it says itself what it does not. @type {SignInMethod[]} */
const OF_A_SERVER = ["browser", "device"];

/** @param {Options} options @returns {HTMLFormElement} */
export function loginForm({ account, endpoint = null, signIn, suggestion, isFirst, label, onCancel, onDone }) {
  const form = /** @type {HTMLFormElement} */ (fromTemplate("login-form"));
  const submit = button(form, "login");
  const cancel = button(form, "cancel");
  const name = input(form, "account");
  const isNew = account === null;

  placeFields(form);
  takeCredentials(form);
  name.value = account ?? suggestion ?? name.value;
  submit.textContent = label ?? submit.textContent;
  cancel.hidden = onCancel === undefined;
  cancel.addEventListener("click", () => onCancel?.());
  const where = /** @type {HTMLDetailsElement} */ (part(form, '[data-part="place"]'));
  const arrange = () => {
    const chosen = preset(form);
    write(field(form, "place-words"), name.value === "" ? PLACES[chosen] : `${PLACES[chosen]}, as ${name.value}`);
    part(form, '[data-part="more"]').hidden = chosen !== "custom" && chosen !== "issuer";
    offer(form, isNew ? (chosen === "issuer" ? OF_A_SERVER : []) : (signIn ?? []));
  };
  where.hidden = !isNew;
  part(form, '[data-part="start"]').hidden = !isFirst;
  // The ways to sign in follow the server that offers them; of an account that is there, they come first.
  if (isNew) {
    const offered = part(form, '[data-part="ways"]');
    where.after(offered);
    offered.prepend(part(offered, ".or"));
  }
  where.open = suggestion !== undefined;
  arrange();
  form.addEventListener("change", arrange);
  form.addEventListener("keydown", (event) => {
    const { name } = /** @type {HTMLInputElement} */ (event.target);
    if (event.key !== "Enter" || event.shiftKey || !(event.ctrlKey || name === "credential")) return;
    // A token has one line, and what is pasted may have several.
    event.preventDefault();
    form.requestSubmit();
  });

  /**
   * @param {HTMLButtonElement} pressed
   * @param {(account: string, place: Place | null) => Promise<boolean>} work false: it was given up
   */
  const logInBy = (pressed, work) =>
    attempt(pressed, field(form, "trouble"), async () => {
      if (isNew && !(await isRight(form, true))) return;
      const [logsInTo, place] = [name.value, isNew ? readPlace(form) : null];
      const isDone = await work(logsInTo, place).catch((error) => {
        const trouble = asTrouble(error);
        if (!form.isConnected) {
          // Whoever has closed the form meanwhile is told all the same.
          say(trouble.detail);
          return false;
        }
        if (trouble.waiting_login === null) throw error;
        return askToReplace(form, logsInTo, trouble, trouble.waiting_login);
      });
      if (!isDone) return;
      if (isFirst && !input(form, "start-at-login").checked) await doNotStartAtLogin();
      onDone?.();
      say(await loggedIn(logsInTo, isNew));
    });

  for (const way of ways(form)) {
    const chosen = /** @type {SignInMethod} */ (way.dataset.way);
    way.addEventListener("click", () => {
      void logInBy(way, (account, place) => waitForSignIn(form, account, chosen, place, endpoint));
    });
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    // Enter in a field of a server that one signs in at.
    const way = ways(form).find((one) => one.classList.contains("primary"));
    if (way !== undefined && input(form, "credential").value.trim() === "") return way.click();
    void logInBy(submit, async (account, place) => {
      await logIn(account, forgetCredential(form), place, endpoint);
      return true;
    });
  });
  return form;
}

/** The agent has switched it on after the first login. */
async function doNotStartAtLogin() {
  const now = await settings();
  await changeSettings({ ...now, start_at_login: false }, { ...now, start_at_login: true });
}

/** @param {HTMLFormElement} form */
const ways = (form) => /** @type {HTMLButtonElement[]} */ ([...form.querySelectorAll("[data-way]")]);

/** Offers these ways to sign in; the first is the one to take. @param {HTMLFormElement} form @param {SignInMethod[]} offered */
function offer(form, offered) {
  for (const way of ways(form)) {
    const place = offered.indexOf(/** @type {SignInMethod} */ (way.dataset.way));
    way.hidden = place < 0;
    way.classList.toggle("primary", place === 0);
  }
  part(form, '[data-part="ways"]').hidden = offered.length === 0;
  button(form, "login").classList.toggle("primary", offered.length === 0);
}
