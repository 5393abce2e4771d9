// What runs here, and a text for those who are asked for help.

import { about } from "./agent.js";
import { openWhenLoaded } from "./dialog.js";
import { button, copyText, field, fromTemplate, write } from "./page.js";

/** @throws what keeps the diagnostics from being made */
export async function openAbout() {
  const dialog = /** @type {HTMLDialogElement} */ (fromTemplate("about-dialog"));
  await openWhenLoaded(dialog, load(dialog));
}

/** @param {HTMLDialogElement} dialog */
async function load(dialog) {
  const { version, agent, diagnostics } = await about();
  write(field(dialog, "version"), version);
  write(field(dialog, "agent"), agent);
  write(field(dialog, "diagnostics"), diagnostics);
  button(dialog, "copy-diagnostics").addEventListener("click", () => copyText(diagnostics, "Copied the diagnostics."));
  button(dialog, "cancel").addEventListener("click", () => dialog.close());
}
