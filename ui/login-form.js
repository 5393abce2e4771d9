// The form that takes a refresh token: in the first run, for a new account, and for an account that must log in again.

import { logIn, recognised } from "./agent.js";
import { button, field, fromTemplate, input, part, say, write } from "./page.js";
import { isRight, placeFields, preset, readPlace } from "./place-fields.js";
import { attempt } from "./trouble.js";

/**
 * @typedef {object} Options
 * @property {string | null} account the account to log in to; null: a new one, whose name and place are asked for
 * @property {string} [suggestion] a name for the new account
 * @property {string} [label] the button's text
 * @property {() => void} [onCancel]
 * @property {() => void} [onDone]
 */

/** @param {Options} options @returns {HTMLFormElement} */
export function loginForm({ account, suggestion, label, onCancel, onDone }) {
  const form = /** @type {HTMLFormElement} */ (fromTemplate("login-form"));
  const submit = button(form, "login");
  const cancel = button(form, "cancel");
  const credential = input(form, "credential");
  const name = input(form, "account");
  const isNew = account === null;

  placeFields(form);
  takeCredentials(form, credential);
  part(form, '[data-part="place"]').hidden = !isNew;
  part(form, '[data-part="account"]').hidden = !isNew;
  name.value = account ?? suggestion ?? name.value;
  submit.textContent = label ?? submit.textContent;
  cancel.hidden = onCancel === undefined;
  cancel.addEventListener("click", () => onCancel?.());
  form.addEventListener("change", () => {
    part(form, '[data-part="custom"]').hidden = preset(form) !== "custom";
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void attempt(submit, field(form, "trouble"), async () => {
      if (isNew && !(await isRight(form, true))) return;
      const pasted = credential.value;
      // From here on the page does not hold the token any more, whatever comes of it.
      credential.value = "";
      write(field(form, "recognised"), "");
      credential.focus();
      await logIn(name.value, pasted, isNew ? readPlace(form) : null);
      say(`${name.value} is logged in.`);
      onDone?.();
    });
  });
  return form;
}

/** In bytes. Nothing that is longer can be a credential. */
const LONGEST_FILE = 64 * 1024;

/**
 * Says what was pasted, and takes a file that is chosen or dropped on the form for what is in it.
 * @param {HTMLFormElement} form
 * @param {HTMLInputElement} credential
 */
function takeCredentials(form, credential) {
  const said = field(form, "recognised");
  const file = input(form, "file");
  const recognise = async () => {
    const { usable, words } = await recognised(credential.value);
    write(said, words);
    said.classList.toggle("unusable", !usable);
  };
  /** @param {DataTransfer | HTMLInputElement | null} source */
  const take = async (source) => {
    const given = source?.files?.[0];
    if (given === undefined) return;
    // One letter more than can be used is enough to be told so.
    credential.value = (await given.slice(0, LONGEST_FILE + 1).text()).trim();
    await recognise();
    credential.focus();
  };
  credential.addEventListener("input", () => void recognise());
  file.addEventListener("change", () => void take(file).then(() => (file.value = "")));
  form.addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("takes");
  });
  form.addEventListener("dragleave", () => form.classList.remove("takes"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("takes");
    const text = event.dataTransfer?.files.length ? "" : (event.dataTransfer?.getData("text/plain") ?? "");
    if (text === "") return void take(event.dataTransfer);
    credential.value = text;
    void recognise();
  });
}
