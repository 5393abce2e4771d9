// At most one dialog is open. A closed one leaves the page together with what was typed into it.

/** @param {HTMLDialogElement} dialog */
export function openDialog(dialog) {
  for (const other of document.querySelectorAll("dialog")) other.close();
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** The open log-in of an account, if it is open. @param {string} account */
export function isLoginOpenFor(account) {
  const open = [...document.querySelectorAll("dialog")];
  return open.some((dialog) => dialog.dataset.view === "login" && dialog.dataset.for === account);
}
