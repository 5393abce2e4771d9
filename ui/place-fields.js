// Where an account's tokens come from, checked while it is typed: in the log-in and in the account's dialog.

/** @import { EncodingChoice, Place, PresetChoice } from "./types" */

import { check } from "./agent.js";
import { checkWhileTyping, showFieldTroubles } from "./field-troubles.js";
import { fromTemplate, input, part } from "./page.js";

const CHECKED = ["account", "preset", "issuer", "parameters", "endpoint", "headers"];

/** Puts the fields into a form, and checks them together with the account's name. @param {HTMLFormElement} form */
export function placeFields(form) {
  part(form, '[data-place="place"]').append(fromTemplate("place-fields"));
  arrange(form);
  form.addEventListener("change", () => arrange(form));
  checkWhileTyping(form, CHECKED, () => isRight(form));
}

/** Shows the fields of the chosen kind of place. @param {HTMLFormElement} form */
function arrange(form) {
  const chosen = preset(form);
  for (const one of form.querySelectorAll("[data-for]")) {
    one.toggleAttribute("hidden", one.getAttribute("data-for") !== chosen);
  }
}

/** Checks the fields, and goes to the first that is wrong if told so. @param {HTMLFormElement} form @param {boolean} [go] */
export async function isRight(form, go = false) {
  return showFieldTroubles(form, await check(input(form, "account").value, readPlace(form)), go);
}

/** @param {HTMLElement} form @returns {PresetChoice} */
export function preset(form) {
  const chosen = /** @type {HTMLInputElement | null} */ (form.querySelector('input[name="preset"]:checked'));
  return /** @type {PresetChoice} */ (chosen?.value ?? "custom");
}

/** @param {HTMLElement} form @returns {Place} */
export function readPlace(form) {
  return {
    preset: preset(form),
    endpoint: input(form, "endpoint").value,
    encoding: /** @type {EncodingChoice} */ (input(form, "encoding").value),
    client_id: input(form, "client-id").value,
    headers: input(form, "headers").value,
    issuer: input(form, "issuer").value,
    parameters: input(form, "parameters").value,
  };
}

/** @param {HTMLElement} form @param {Place} place */
export function fillPlace(form, place) {
  input(form, "endpoint").value = place.endpoint;
  input(form, "encoding").value = place.encoding;
  input(form, "client-id").value = place.client_id;
  input(form, "headers").value = place.headers;
}
