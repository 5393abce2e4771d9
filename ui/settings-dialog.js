// The settings: the agent's and the window's own.

/** @import { RefreshChoice, SettingsForm, ThemeChoice } from "./types" */

import { openAbout } from "./about-dialog.js";
import { changeSettings, checkSettings, settings, showTheme } from "./agent.js";
import { openWhenLoaded } from "./dialog.js";
import { checkWhileTyping, showFieldTroubles } from "./field-troubles.js";
import { button, field, fromTemplate, input, part } from "./page.js";
import { attempt, showTrouble } from "./trouble.js";

export async function openSettings() {
  const dialog = /** @type {HTMLDialogElement} */ (fromTemplate("settings-dialog"));
  const save = button(dialog, "save");
  const trouble = field(dialog, "trouble");
  /** @type {SettingsForm | undefined} */
  let opened;
  /** What is shown once the dialog is closed. @type {ThemeChoice | undefined} */
  let theme;
  const isRight = async (/** @type {boolean} */ go) => showFieldTroubles(dialog, await checkSettings(read(dialog)), go);
  checkWhileTyping(dialog, ["clear-clipboard-after"], () => isRight(false));
  button(dialog, "cancel").addEventListener("click", () => dialog.close());
  const aboutIt = button(dialog, "about");
  aboutIt.addEventListener("click", () => void attempt(aboutIt, trouble, openAbout));
  dialog.addEventListener("close", () => theme && void showTheme(theme));
  input(dialog, "theme").addEventListener("change", () => void showTheme(read(dialog).theme));
  part(dialog, "form").addEventListener("submit", (event) => {
    event.preventDefault();
    void attempt(save, trouble, async () => {
      if (opened === undefined || !(await isRight(true))) return;
      await changeSettings(read(dialog), opened);
      theme = undefined;
      dialog.close();
    });
  });
  const load = async () => {
    try {
      opened = await settings();
      theme = opened.theme;
      fill(dialog, opened);
    } catch (error) {
      save.disabled = true;
      showTrouble(trouble, error);
    }
  };
  await openWhenLoaded(dialog, load());
}

/** @param {HTMLElement} dialog @param {SettingsForm} form */
function fill(dialog, form) {
  input(dialog, "theme").value = form.theme;
  input(dialog, "clear-clipboard-after").value = form.clear_clipboard_after;
  input(dialog, "notify-login").checked = form.notify_login;
  input(dialog, "notify-not-renewed").checked = form.notify_not_renewed;
  input(dialog, "notify-keychain").checked = form.notify_keychain;
  input(dialog, "notify-approval").checked = form.notify_approval;
  input(dialog, "notify-copied").checked = form.notify_copied;
  input(dialog, "paste-once").checked = form.paste_once;
  input(dialog, "symbolic-tray-icon").checked = form.symbolic_tray_icon;
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
    notify_copied: input(dialog, "notify-copied").checked,
    paste_once: input(dialog, "paste-once").checked,
    symbolic_tray_icon: input(dialog, "symbolic-tray-icon").checked,
    refresh: /** @type {RefreshChoice} */ (input(dialog, "refresh").value),
    start_at_login: input(dialog, "start-at-login").checked,
  };
}
