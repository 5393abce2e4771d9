// The log-in of an account that is there, and the form for another one, as dialogs over the cards.

/** @import { Card } from "./types" */

import { loginFor, openDialog } from "./dialog.js";
import { field, fromTemplate, input, part, say, write } from "./page.js";
import { loginForm } from "./login-form.js";

/** @param {Card} card */
export function openLogin(card) {
  const login = card.buttons.find((button) => button.action === "login-again");
  const reason = login?.primary ? card.message : "";
  open("login", card.name, card.login_title, reason, {
    account: card.name,
    endpoint: card.endpoint,
    signIn: card.sign_in,
    label: login?.label,
  });
}

/** A log-in that was done elsewhere, or a new reason, is told in the dialog that is open. @param {Card} card */
export function updateLogin(card) {
  const dialog = loginFor(card.name);
  if (dialog === undefined || dialog.querySelector('[aria-busy="true"], form[hidden]') !== null) return;
  const isNeeded = card.buttons.some((button) => button.action === "login-again" && button.primary);
  const wasNeeded = dialog.dataset.needed === "true";
  dialog.dataset.needed = String(isNeeded);
  write(field(dialog, "message"), isNeeded ? card.message : "");
  write(field(dialog, "title"), card.login_title);
  // What a person has begun to type is theirs.
  if (wasNeeded && !isNeeded && input(dialog, "credential").value === "") {
    dialog.close();
    say(`${card.announcement}.`);
  }
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
  dialog.dataset.needed = String(message !== "");
  write(field(dialog, "title"), title);
  write(field(dialog, "message"), message);
  const close = () => dialog.close();
  part(dialog, '[data-place="form"]').append(loginForm({ ...options, onCancel: close, onDone: close }));
  openDialog(dialog);
}
