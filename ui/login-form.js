// The form that takes a refresh token: in the first run, for a new account, and for an account that must log in again.

/** @import { EncodingChoice, Place, PresetChoice } from "./types" */

import { logIn } from "./agent.js";
import { button, field, fromTemplate, input, part } from "./page.js";
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
      const pasted = credential.value;
      // From here on the page does not hold the token any more, whatever comes of it.
      credential.value = "";
      await logIn(name.value, pasted, isNew ? place(form) : null);
      onDone?.();
    }).then(() => credential.focus());
  });
  return form;
}

/** @param {HTMLFormElement} form @returns {PresetChoice} */
function preset(form) {
  const chosen = /** @type {HTMLInputElement} */ (part(form, 'input[name="preset"]:checked'));
  return /** @type {PresetChoice} */ (chosen.value);
}

/** @param {HTMLFormElement} form @returns {Place} */
function place(form) {
  return {
    preset: preset(form),
    endpoint: input(form, "endpoint").value,
    encoding: /** @type {EncodingChoice} */ (input(form, "encoding").value),
    client_id: input(form, "client-id").value,
    headers: input(form, "headers").value,
  };
}
