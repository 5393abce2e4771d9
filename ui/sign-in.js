// What a log-in needs a person for: signing in elsewhere, and the question whether another user may take the account.
// Each stands in the place of the form, so that one dialog leads from the first question to the last.

/** @import { Place, SignInMethod, Trouble, Waiting } from "./types" */

import { bringCallback, endSignIn, replaceUser, signIn } from "./agent.js";
import { button, copyText, field, fromTemplate, part, write } from "./page.js";
import { attempt } from "./trouble.js";

/**
 * Shows what is to be done, until the sign-in has ended. It ends with its dialog, too.
 * @param {HTMLFormElement} form
 * @param {string} account
 * @param {SignInMethod} way
 * @param {Place | null} place null: the account refreshes as before
 * @param {string | null} endpoint the one that the account was shown with
 * @returns {Promise<boolean>} false: it was given up
 */
export function waitForSignIn(form, account, way, place, endpoint) {
  const waiting = fromTemplate("waiting");
  const end = () => void endSignIn();
  button(waiting, "give-up").addEventListener("click", end);
  const copied = button(waiting, "copy-address");
  copied.addEventListener("click", () => copyText(field(waiting, "address").textContent ?? "", "Copied the address."));
  bringsCallback(waiting, account);
  return inPlaceOf(form, waiting, "give-up", end, () => signIn(account, way, place, endpoint, (told) => show(waiting, told)));
}

/**
 * A browser on another machine cannot come back here: a person brings the address that it ends at.
 * @param {HTMLElement} waiting
 * @param {string} account
 */
function bringsCallback(waiting, account) {
  const address = /** @type {HTMLInputElement} */ (part(waiting, 'input[name="callback"]'));
  const bring = button(waiting, "bring-callback");
  const copied = button(waiting, "copy-elsewhere");
  copied.addEventListener("click", () => copyText(field(waiting, "elsewhere").textContent ?? "", "Copied the address."));
  bring.addEventListener("click", () => {
    void attempt(bring, field(waiting, "callback-trouble"), () => bringCallback(account, address.value));
    address.value = "";
  });
}

/** @param {HTMLElement} waiting @param {Waiting} told */
function show(waiting, told) {
  write(field(waiting, "words"), told.words);
  write(field(waiting, "code"), told.code);
  write(field(waiting, "until"), told.until);
  write(field(waiting, "address-words"), told.address_words);
  write(field(waiting, "address"), told.address);
  part(waiting, '[data-part="address"]').hidden = told.address === "";
  write(field(waiting, "elsewhere"), told.elsewhere);
  part(waiting, '[data-part="elsewhere"]').hidden = told.elsewhere === "";
}

/**
 * Asks whether the login of another user may take the account's place.
 * @param {HTMLFormElement} form
 * @param {string} account
 * @param {Trouble} trouble
 * @param {string} login the one that waits
 * @returns {Promise<boolean>} false: the account stays as it is
 */
export function askToReplace(form, account, trouble, login) {
  const question = fromTemplate("another-user");
  write(field(question, "detail"), trouble.detail);
  write(field(question, "advice"), trouble.advice);
  const replace = button(question, "replace");
  /** @type {(replaced: boolean) => void} */
  let answer = () => {};
  const answered = new Promise((/** @type {(replaced: boolean) => void} */ resolve) => (answer = resolve));
  button(question, "keep").addEventListener("click", () => answer(false));
  replace.addEventListener("click", () => {
    void attempt(replace, field(question, "replace-trouble"), async () => {
      await replaceUser(account, login);
      answer(true);
    });
  });
  return inPlaceOf(form, question, "keep", () => answer(false), () => answered);
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement} element stands in the form's place while the work lasts
 * @param {string} action the button that has the focus
 * @param {() => void} onClose what the end of the dialog means
 * @param {() => Promise<boolean>} work
 */
async function inPlaceOf(form, element, action, onClose, work) {
  // A form that was closed, or that waits already, waits for nothing more.
  if (!form.isConnected || form.hidden) return false;
  const dialog = form.closest("dialog");
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  form.hidden = true;
  form.after(element);
  button(element, action).focus();
  dialog?.addEventListener("close", onClose);
  try {
    return await work();
  } finally {
    dialog?.removeEventListener("close", onClose);
    element.remove();
    form.hidden = false;
    focused?.focus();
  }
}
