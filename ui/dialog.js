// At most one dialog is open. A closed one leaves the page together with what was typed into it.

import { field } from "./page.js";

let asked = 0;

/**
 * Opens a dialog once what it shows has been loaded, unless another was opened or asked for meanwhile.
 * @param {HTMLDialogElement} dialog
 * @param {Promise<void>} loaded
 */
export async function openWhenLoaded(dialog, loaded) {
  const mine = ++asked;
  await loaded;
  if (mine === asked) openDialog(dialog);
}

/** @param {HTMLDialogElement} dialog */
export function openDialog(dialog) {
  asked++;
  for (const other of document.querySelectorAll("dialog")) other.close();
  const said = field(document, "said");
  dialog.addEventListener("close", () => {
    if (dialog.contains(said)) document.body.append(said);
    dialog.remove();
  });
  // Outside of the dialog it would be dimmed, and silent for a screen reader.
  dialog.append(said);
  document.body.append(dialog);
  dialog.showModal();
}

/** The open log-in of an account, if it is open. @param {string} account */
export function loginFor(account) {
  const open = /** @type {HTMLDialogElement[]} */ ([...document.querySelectorAll("dialog")]);
  return open.find((dialog) => dialog.dataset.view === "login" && dialog.dataset.for === account);
}
