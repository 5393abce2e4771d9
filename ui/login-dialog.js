// The log-in of an account that is there, and the form for another one, as dialogs over the cards.

/** @import { Card } from "./types" */

import { openDialog } from "./dialog.js";
import { field, fromTemplate, part, write } from "./page.js";
import { loginForm } from "./login-form.js";

/** @param {Card} card */
export function openLogin(card) {
  const login = card.buttons.find((button) => button.action === "login-again");
  const reason = login?.primary ? card.message : "";
  open("login", card.name, card.login_title, reason, {
    account: card.name,
    signIn: card.sign_in,
    label: login?.label,
  });
}

/** @param {string} [suggestion] a name for the account */
export function openAddAccount(suggestion) {
  open("add-account", suggestion ?? "", "Add an account", "", { account: null, suggestion: suggestion ?? "" });
}

/**
 * @param {string} view
 * @param {string} account
 * @param {string} title
 * @param {string} message
 * @param {import("./login-form.js").Options} options
 */
function open(view, account, title, message, options) {
  const dialog = /** @type {HTMLDialogElement} */ (fromTemplate("login-dialog"));
  dialog.dataset.view = view;
  dialog.dataset.for = account;
  write(field(dialog, "title"), title);
  write(field(dialog, "message"), message);
  const close = () => dialog.close();
  part(dialog, '[data-place="form"]').append(loginForm({ ...options, onCancel: close, onDone: close }));
  openDialog(dialog);
}
