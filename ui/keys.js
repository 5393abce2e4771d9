// What the keyboard does anywhere in the window. The tooltips name the same keys.

import { input } from "./page.js";

/** @typedef {{ copy: () => void, refresh: () => void, logIn: () => void, filter: () => void }} Actions */

/** Where keys mean letters. @param {Element | null} element */
const isField = (element) => element !== null && element.matches("input:not([type=radio], [type=checkbox]), textarea, select");

/** @param {Actions} actions what the keys do while no dialog is open */
export function listenToKeys(actions) {
  document.addEventListener("keydown", (event) => {
    document.documentElement.dataset.by = "keyboard";
    if (!event.ctrlKey || event.altKey || event.shiftKey) return;
    const key = event.key.toLowerCase();
    if (key === "v") return pasteIntoForm();
    const action = { c: actions.copy, r: actions.refresh, l: actions.logIn, f: actions.filter }[key];
    if (action === undefined) return;
    const meansText = isField(document.activeElement) || String(getSelection()) !== "";
    if (key === "c" && meansText) return;
    // A page that is loaded anew would lose what was typed.
    event.preventDefault();
    if (document.querySelector("dialog") === null) action();
  });
  // A ring around what a mouse has clicked says nothing.
  document.addEventListener("pointerdown", () => (document.documentElement.dataset.by = "pointer"));
}

/** What is pasted where nothing can be typed is meant for the log-in that is open. */
function pasteIntoForm() {
  if (isField(document.activeElement)) return;
  const place = document.querySelector("dialog") ?? document;
  if (place.querySelector('form:not([hidden]) [name="credential"]') !== null) input(place, "credential").focus();
}
