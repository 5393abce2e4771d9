// The page: shows the newest view, and opens the log-in that the window was opened for.

/** @import { Arguments, View } from "./types" */

import { Accounts } from "./accounts.js";
import { endSignIn, onOpen, onView, start, startAgent } from "./agent.js";
import { loginFor } from "./dialog.js";
import { firstRun } from "./first-run.js";
import { openHistory } from "./history-dialog.js";
import { listenToKeys } from "./keys.js";
import { openAddAccount, openLogin } from "./login-dialog.js";
import { button, field, fromTemplate, input, part, write } from "./page.js";
import { openSettings } from "./settings-dialog.js";
import { attempt } from "./trouble.js";

const main = part(document, "main");

/** @type {View["kind"] | undefined} */
let shown;
/** @type {Accounts | undefined} */
let accounts;
/** The account that was open when the accounts were last seen. @type {string | null} */
let open = null;
/** What to open as soon as there is a view to open it on. @type {Arguments | undefined} */
let wanted;

/** @param {View} view */
function show(view) {
  if (view.kind !== shown) {
    shown = view.kind;
    open = accounts?.current()?.card.name ?? open;
    accounts = undefined;
    const hadFocus = main.contains(document.activeElement);
    // A sign-in that is shown here is not seen any more.
    if (main.querySelector('[data-view="waiting"]') !== null) void endSignIn();
    main.replaceChildren(build(view.kind));
    for (const action of ["add-account", "settings"]) button(document, action).hidden = view.kind !== "accounts";
    // Whoever goes through the page by keyboard stays in it.
    if (view.kind === "first-run") input(main, "credential").focus();
    else if (hadFocus) main.focus();
  }
  if (view.kind === "accounts") accounts?.update(view.cards);
  if (view.kind === "agent-unavailable") {
    write(field(main, "detail"), view.detail);
    write(field(main, "advice"), view.advice);
  }
  openWanted();
}

/** @param {View["kind"]} kind @returns {HTMLElement} */
function build(kind) {
  switch (kind) {
    case "accounts":
      accounts = new Accounts(open);
      return accounts.element;
    case "first-run":
      return firstRun(wanted?.account ?? null);
    case "connecting":
      return fromTemplate(kind);
    case "agent-unavailable":
      return agentUnavailable(kind);
  }
}

/** @param {string} template */
function agentUnavailable(template) {
  const element = fromTemplate(template);
  const startIt = button(element, "start-agent");
  startIt.addEventListener("click", () => void attempt(startIt, field(element, "trouble"), startAgent));
  return element;
}

function openWanted() {
  if (wanted === undefined || (shown !== "accounts" && shown !== "first-run")) return;
  const { account, opens } = wanted;
  wanted = undefined;
  if (accounts === undefined) return input(main, "credential").focus();
  const card = accounts.find(account);
  if (card === undefined) {
    if (opens === "login") openAddAccount(account ?? undefined);
    return;
  }
  if (opens === "login" && loginFor(card.name) !== undefined) return;
  accounts.open(card.name);
  if (opens === "login") openLogin(card);
  if (opens === "history") openHistory(card.name);
}

/** @param {Arguments} opening */
function want(opening) {
  wanted = opening;
  openWanted();
}

// A file that is dropped beside a form must not replace the page.
for (const event of ["dragover", "drop"]) document.addEventListener(event, (dropped) => dropped.preventDefault());
// A page is no document: WebKit's own menu makes sense where text can be edited or copied only.
document.addEventListener("contextmenu", (event) => {
  const target = /** @type {Element} */ (event.target);
  if (!target.closest("input, textarea, dd, code")) event.preventDefault();
});
listenToKeys({
  copy: () => accounts?.current()?.act("copy"),
  refresh: () => accounts?.current()?.act("refresh"),
  logIn: () => accounts?.current()?.act("login-again"),
  filter: () => accounts?.focusFilter(),
});
button(document, "add-account").addEventListener("click", () => openAddAccount());
button(document, "settings").addEventListener("click", () => void openSettings());

/** @type {View | undefined} */
let newest;
// What is told before somebody listens is lost: the first view is asked for afterwards.
await Promise.all([
  onView((view) => {
    newest = view;
    show(view);
  }),
  onOpen(want),
]);
const started = await start();
open = started.open;
// A view that was told meanwhile is newer.
show(newest ?? started.view);
if (started.wanted.account !== null || started.wanted.opens !== "card") want(started.wanted);
