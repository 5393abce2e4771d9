// Asks before something is forgotten.

import { openDialog } from "./dialog.js";
import { button, field, fromTemplate, write } from "./page.js";

/**
 * @param {string} question
 * @param {string} answer the button's text that means yes
 * @param {() => void} onYes
 */
export function ask(question, answer, onYes) {
  const dialog = /** @type {HTMLDialogElement} */ (fromTemplate("question"));
  write(field(dialog, "question"), question);
  const yes = button(dialog, "confirm");
  write(yes, answer);
  yes.addEventListener("click", () => {
    dialog.close();
    onYes();
  });
  button(dialog, "cancel").addEventListener("click", () => dialog.close());
  openDialog(dialog);
}
