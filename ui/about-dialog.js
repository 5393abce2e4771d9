// What runs here, and a text for those who are asked for help.

import { about } from "./agent.js";
import { openDialog } from "./dialog.js";
import { button, copyText, field, fromTemplate, write } from "./page.js";

export async function openAbout() {
  const dialog = /** @type {HTMLDialogElement} */ (fromTemplate("about-dialog"));
  const { version, agent, diagnostics } = await about();
  write(field(dialog, "version"), version);
  write(field(dialog, "agent"), agent);
  write(field(dialog, "diagnostics"), diagnostics);
  button(dialog, "copy-diagnostics").addEventListener("click", () => copyText(diagnostics, "Copied the diagnostics."));
  button(dialog, "cancel").addEventListener("click", () => dialog.close());
  openDialog(dialog);
}
