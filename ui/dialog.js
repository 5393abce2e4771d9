// At most one dialog is open. A closed one leaves the page together with what was typed into it.

/** @param {HTMLDialogElement} dialog */
export function openDialog(dialog) {
  for (const other of document.querySelectorAll("dialog")) other.close();
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** The open log-in of an account, if it is open. @param {string} account */
export function loginFor(account) {
  const open = /** @type {HTMLDialogElement[]} */ ([...document.querySelectorAll("dialog")]);
  return open.find((dialog) => dialog.dataset.view === "login" && dialog.dataset.for === account);
}
