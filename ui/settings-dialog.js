// The settings: the agent's and the window's own.

/** @import { RefreshChoice, SettingsForm, ThemeChoice } from "./types" */

import { changeSettings, settings, showTheme } from "./agent.js";
import { openDialog } from "./dialog.js";
import { button, field, fromTemplate, input, part } from "./page.js";
import { attempt, showTrouble } from "./trouble.js";

export async function openSettings() {
  const dialog = /** @type {HTMLDialogElement} */ (fromTemplate("settings-dialog"));
  const save = button(dialog, "save");
  const trouble = field(dialog, "trouble");
  /** What is shown once the dialog is closed. @type {ThemeChoice | undefined} */
  let theme;
  button(dialog, "cancel").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => theme && void showTheme(theme));
  input(dialog, "theme").addEventListener("change", () => void showTheme(read(dialog).theme));
  part(dialog, "form").addEventListener("submit", (event) => {
    event.preventDefault();
    void attempt(save, trouble, async () => {
      await changeSettings(read(dialog));
      theme = undefined;
      dialog.close();
    });
  });
  try {
    const now = await settings();
    theme = now.theme;
    fill(dialog, now);
  } catch (error) {
    save.disabled = true;
    showTrouble(trouble, error);
  }
  openDialog(dialog);
}

/** @param {HTMLElement} dialog @param {SettingsForm} form */
function fill(dialog, form) {
  input(dialog, "theme").value = form.theme;
  input(dialog, "clear-clipboard-after").value = form.clear_clipboard_after;
  input(dialog, "notify-login").checked = form.notify_login;
  input(dialog, "notify-not-renewed").checked = form.notify_not_renewed;
  input(dialog, "notify-keychain").checked = form.notify_keychain;
  input(dialog, "notify-approval").checked = form.notify_approval;
  input(dialog, "refresh").value = form.refresh;
  input(dialog, "start-at-login").checked = form.start_at_login;
}

/** @param {HTMLElement} dialog @returns {SettingsForm} */
function read(dialog) {
  return {
    theme: /** @type {ThemeChoice} */ (input(dialog, "theme").value),
    clear_clipboard_after: input(dialog, "clear-clipboard-after").value,
    notify_login: input(dialog, "notify-login").checked,
    notify_not_renewed: input(dialog, "notify-not-renewed").checked,
    notify_keychain: input(dialog, "notify-keychain").checked,
    notify_approval: input(dialog, "notify-approval").checked,
    refresh: /** @type {RefreshChoice} */ (input(dialog, "refresh").value),
    start_at_login: input(dialog, "start-at-login").checked,
  };
}
