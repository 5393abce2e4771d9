// What went wrong and what to do, beside the field or button that it belongs to.

/** @import { Trouble } from "./types" */

import { hush } from "./page.js";

/** @param {HTMLElement} place @param {unknown} error a command's error, or a defect of the page */
export function showTrouble(place, error) {
  const { detail, advice } = asTrouble(error);
  const sentences = [detail, advice].filter((text) => text !== "");
  place.replaceChildren(...sentences.map((text) => Object.assign(document.createElement("p"), { textContent: text })));
  place.hidden = false;
  // In a small window the form is longer than what is seen of it.
  place.scrollIntoView({ block: "nearest" });
}

/** @param {HTMLElement} place */
export function hideTrouble(place) {
  place.hidden = true;
  place.replaceChildren();
}

/** @param {unknown} error @returns {Trouble} */
export function asTrouble(error) {
  if (typeof error === "object" && error !== null && "detail" in error && "advice" in error) {
    return /** @type {Trouble} */ (error);
  }
  const detail = `The window failed: ${String(error)}`;
  return { detail, advice: "Close it and open it again.", waiting_login: null };
}

/**
 * Does a button's work: no second press meanwhile, and trouble in its place.
 * @param {HTMLButtonElement} pressed
 * @param {HTMLElement} place
 * @param {() => Promise<void>} work
 */
export async function attempt(pressed, place, work) {
  if (pressed.getAttribute("aria-busy") === "true") return;
  pressed.setAttribute("aria-busy", "true");
  hideTrouble(place);
  hush();
  try {
    await work();
  } catch (error) {
    showTrouble(place, error);
  } finally {
    pressed.removeAttribute("aria-busy");
  }
}
