// What is wrong with a field, said beside it while one types.

import { field, input, write } from "./page.js";

/** Between the last letter and the check, in milliseconds: a word that is being typed is not wrong yet. */
const PAUSE = 350;

/**
 * Checks a form whenever one of these fields has been changed. What was wrong with the field goes at once: later, what
 * stands below it would move under a pointer that is about to press it.
 * @param {HTMLElement} form
 * @param {string[]} names
 * @param {() => Promise<unknown>} check
 */
export function checkWhileTyping(form, names, check) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let pause;
  form.addEventListener("input", (event) => {
    const { name } = /** @type {HTMLInputElement} */ (event.target);
    if (!names.includes(name)) return;
    clearTimeout(pause);
    pause = setTimeout(() => void check(), PAUSE);
    // A choice has none of its own.
    if (form.querySelector(`[data-field="${name}-trouble"]`) !== null) showFieldTroubles(form, { [name]: "" }, false);
  });
}

/**
 * Says what is wrong with each field, and goes to the first that is wrong if told so.
 * @param {HTMLElement} form
 * @param {Record<string, string>} troubles a sentence for each field; empty where nothing is wrong
 * @param {boolean} go
 * @returns {boolean} is nothing wrong?
 */
export function showFieldTroubles(form, troubles, go) {
  for (const [name, text] of Object.entries(troubles)) {
    const said = field(form, `${name}-trouble`);
    write(said, text);
    said.hidden = text === "";
    input(form, name).setAttribute("aria-invalid", String(text !== ""));
    if (text !== "") input(form, name).closest("details")?.setAttribute("open", "");
  }
  const wrong = Object.entries(troubles).find(([, text]) => text !== "");
  if (wrong !== undefined && go) input(form, wrong[0]).focus();
  return wrong === undefined;
}
