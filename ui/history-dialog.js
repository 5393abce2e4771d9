// The history of an account: a picture, and the same as a table.

/** @import { History, HistorySpan, Item } from "./types" */

import { history } from "./agent.js";
import { openWhenLoaded } from "./dialog.js";
import { button, copyText, field, fromTemplate, part, write } from "./page.js";
import { drawTimeline } from "./timeline.js";
import { hideTrouble, showTrouble } from "./trouble.js";

/** The event of the document that says that an account's state has changed. */
export const CHANGED = "account-changed";

/** @param {string} account */
export function openHistory(account) {
  const dialog = /** @type {HTMLDialogElement} */ (fromTemplate("history-dialog"));
  write(field(dialog, "title"), `History of ${account}`);
  /** Until a person chooses, the span that fits. @type {HistorySpan | null} */
  let span = null;
  const load = async () => {
    try {
      show(dialog, await history(account, span));
      hideTrouble(field(dialog, "trouble"));
    } catch (error) {
      showTrouble(field(dialog, "trouble"), error);
    }
  };
  /** @param {Event} event */
  const reload = (event) => {
    if (event instanceof CustomEvent && event.detail === account) void load();
  };
  part(dialog, ".spans").addEventListener("change", (event) => {
    span = /** @type {HistorySpan} */ (/** @type {HTMLInputElement} */ (event.target).value);
    void load();
  });
  button(dialog, "cancel").addEventListener("click", () => dialog.close());
  document.addEventListener(CHANGED, reload);
  dialog.addEventListener("close", () => document.removeEventListener(CHANGED, reload));
  void openWhenLoaded(dialog, load());
}

/** @param {HTMLElement} dialog @param {History} history */
function show(dialog, history) {
  write(field(dialog, "title"), history.title);
  write(field(dialog, "summary"), history.summary);
  const chosen = /** @type {HTMLInputElement} */ (part(dialog, `input[name="span"][value="${history.span}"]`));
  chosen.checked = true;
  const picture = /** @type {unknown} */ (part(dialog, ".timeline"));
  drawTimeline(/** @type {SVGElement} */ (picture), history, field(dialog, "told"));
  const newest = [...history.items].reverse();
  const rows = newest.flatMap((item, index) => (item.day === newest[index - 1]?.day ? [row(item)] : [heading(item), row(item)]));
  part(dialog, "tbody").replaceChildren(...rows);
  for (const one of [".scroll", ".legend", ".told"]) part(dialog, one).hidden = rows.length === 0;
}

/** The day that the rows below it are of. @param {Item} item @returns {HTMLTableRowElement} */
function heading({ day }) {
  const element = Object.assign(document.createElement("tr"), { className: "day" });
  element.append(Object.assign(document.createElement("th"), { textContent: day, colSpan: 2, scope: "rowgroup" }));
  return element;
}

/** @param {Item} item @returns {HTMLTableRowElement} */
function row({ clock, what, why, trace_ids }) {
  const element = document.createElement("tr");
  const told = document.createElement("td");
  told.append(Object.assign(document.createElement("strong"), { textContent: what }), why === "" ? "" : ` ${why}`);
  told.append(...trace_ids.map(traceId));
  element.append(Object.assign(document.createElement("td"), { textContent: clock }), told);
  return element;
}

/** The endpoint's support asks for it. @param {string} id */
function traceId(id) {
  const element = document.createElement("span");
  element.className = "trace";
  const copy = Object.assign(document.createElement("button"), { type: "button", className: "link" });
  copy.textContent = "Copy";
  copy.dataset.action = "copy-trace";
  copy.setAttribute("aria-label", `Copy the trace id ${id}`);
  copy.addEventListener("click", () => copyText(id, "Copied the trace id."));
  element.append("Trace ID ", Object.assign(document.createElement("code"), { textContent: id }), " ", copy);
  return element;
}
