// One account's card. It is built once; afterwards only what reads differently is written.

/** @import { Button, ButtonAction, Card, Step } from "./types" */

import { openAccount } from "./account-dialog.js";
import { copy, logOut, moveAccount, refresh, remove } from "./agent.js";
import { openHistory } from "./history-dialog.js";
import { openLogin } from "./login-dialog.js";
import { menuButton } from "./menu.js";
import { button, field, fromTemplate, part, say, write, writeUrl } from "./page.js";
import { ask } from "./question.js";
import { attempt, hideTrouble } from "./trouble.js";

export class AccountCard {
  /** @type {Card} */ #card;
  #element = fromTemplate("account-card");
  #row = part(this.#element, ".row");
  /** @type {() => void} */ #onRow;

  /**
   * @param {Card} card
   * @param {() => void} onRow a person opens or closes it
   */
  constructor(card, onRow) {
    this.#card = card;
    this.#element.dataset.account = card.name;
    for (const place of ["main", "beside", "farewell"]) {
      const pressed = /** @type {HTMLButtonElement} */ (part(this.#element, `[data-part="${place}"]`));
      pressed.addEventListener("click", () => this.#act(pressed));
    }
    const menu = part(this.#element, ".menu");
    menuButton(button(this.#element, "more"), menu);
    const copyRow = button(this.#element, "copy-row");
    copyRow.addEventListener("click", () => this.act("copy", copyRow));
    this.#showAll(false);
    button(this.#element, "details").addEventListener("click", () => {
      this.#showAll(!this.#element.classList.contains("all"));
    });
    this.#onRow = onRow;
    button(this.#element, "history").addEventListener("click", () => openHistory(this.#card.name));
    button(this.#element, "edit").addEventListener("click", () => void openAccount(this.#card.name));
    for (const pressed of this.#moves()) pressed.addEventListener("click", () => this.#move(pressed));
    this.update(card);
  }

  get element() {
    return this.#element;
  }

  get card() {
    return this.#card;
  }

  /** @param {boolean} inList a row that can be closed? @param {boolean} open */
  arrange(inList, open) {
    if (inList !== this.#row instanceof HTMLButtonElement) this.#exchangeRow(inList ? "button" : "div");
    if (inList) this.#row.setAttribute("aria-expanded", String(open));
    for (const move of this.#moves()) move.hidden = !inList;
    this.#element.classList.toggle("closed", !open);
    part(this.#element, ".body").hidden = !open;
    this.#updateCopyRow();
  }

  /** A card that is alone has nothing to open. @param {"button" | "div"} tag */
  #exchangeRow(tag) {
    const row = document.createElement(tag);
    row.className = "row";
    row.append(...this.#row.childNodes);
    if (row instanceof HTMLButtonElement) {
      row.type = "button";
      row.dataset.action = "open";
      row.addEventListener("click", this.#onRow);
    }
    this.#row.replaceWith(row);
    this.#row = row;
  }

  /** @param {Card} card @returns {boolean} has the state changed? */
  update(card) {
    const element = this.#element;
    const changed = this.#card.state !== card.state;
    this.#card = card;
    element.dataset.state = card.state;
    if (changed) hideTrouble(field(element, "trouble"));
    write(field(element, "name"), card.name);
    field(element, "default").hidden = !card.default;
    write(field(element, "state"), card.state_words);
    write(field(element, "line"), card.line);
    write(field(element, "expires-in"), card.expires_in);
    write(field(element, "end"), card.end);
    write(field(element, "next-refresh"), card.next_refresh);
    write(field(element, "headline"), card.headline);
    write(field(element, "message"), card.message);
    this.#updateDial();
    this.#updateButtons();
    this.#updateDetails();
    return changed;
  }

  /** Offers to show all scopes only where some are hidden. */
  measure() {
    const scopes = part(this.#element, '[data-part="scopes"]');
    const all = this.#element.classList.contains("all");
    button(this.#element, "details").hidden = !all && scopes.scrollHeight <= scopes.clientHeight;
  }

  #updateDial() {
    const { picture, life_left, life_left_at_refresh } = this.#card;
    const image = field(this.#element, "picture");
    if (image.getAttribute("src") !== `${picture}.svg`) image.setAttribute("src", `${picture}.svg`);
    for (const ring of this.#element.querySelectorAll(".left")) set(ring, "stroke-dasharray", `${life_left} 2`);
    const mark = part(this.#element, ".mark");
    mark.toggleAttribute("hidden", life_left_at_refresh === null);
    set(mark, "transform", `rotate(${(life_left_at_refresh ?? 0) * 360} 50 50)`);
  }

  #updateDetails() {
    const { scope_count, scope, user_id, host, endpoint } = this.#card;
    write(field(this.#element, "scope-count"), scope_count);
    const chips = field(this.#element, "scope");
    if (chips.dataset.scope !== scope.join(" ")) {
      chips.dataset.scope = scope.join(" ");
      // A chip never breaks inside; a space between two lets a selection be pasted.
      chips.replaceChildren(...scope.flatMap((one) => [Object.assign(document.createElement("li"), { textContent: one }), " "]));
    }
    write(field(this.#element, "host"), host);
    write(field(this.#element, "user"), user_id);
    part(this.#element, '[data-part="user"]').hidden = user_id === "";
    writeUrl(field(this.#element, "endpoint"), endpoint);
  }

  #moves() {
    return /** @type {NodeListOf<HTMLButtonElement>} */ (this.#element.querySelectorAll("[data-step]"));
  }

  /** @param {HTMLButtonElement} pressed */
  #move(pressed) {
    const step = /** @type {Step} */ (pressed.dataset.step);
    void attempt(pressed, field(this.#element, "trouble"), async () => say(await moveAccount(this.#card.name, step)));
  }

  /** @param {boolean} all */
  #showAll(all) {
    this.#element.classList.toggle("all", all);
    // What scrolls is reached by keyboard.
    part(this.#element, '[data-part="scopes"]').tabIndex = all ? 0 : -1;
    const toggle = button(this.#element, "details");
    toggle.setAttribute("aria-expanded", String(all));
    write(toggle, all ? "Show fewer" : "Show all");
  }

  /** The one that helps most, large; *Refresh now* beside it; the others behind the dots, the farewell last and apart. */
  #updateButtons() {
    const { buttons } = this.#card;
    const main = buttons.find((one) => one.primary) ?? buttons[0];
    const beside = buttons.find((one) => one.action === "refresh" && one !== main);
    const farewell = buttons[buttons.length - 1];
    this.#updateButton("main", main);
    this.#updateButton("beside", beside);
    this.#updateButton("farewell", farewell);
    const others = buttons.filter((one) => ![main, beside, farewell].includes(one));
    const place = part(this.#element, '[data-place="more"]');
    const reads = others.map((one) => `${one.action} ${one.label} ${one.enabled}`).join();
    if (place.dataset.reads === reads) return;
    place.dataset.reads = reads;
    place.replaceChildren(...others.map((one) => this.#menuItem(one)));
    this.#updateCopyRow();
  }

  /** @param {Button} what */
  #menuItem({ action, label, enabled }) {
    const item = document.createElement("button");
    Object.assign(item, { type: "button", role: "menuitem", textContent: label, disabled: !enabled });
    item.setAttribute("role", "menuitem");
    item.dataset.action = action;
    item.title = withKey(label, action);
    item.addEventListener("click", () => this.#act(item));
    return item;
  }

  /** @param {"main" | "beside" | "farewell"} place @param {Button | undefined} what */
  #updateButton(place, what) {
    const pressed = /** @type {HTMLButtonElement} */ (part(this.#element, `[data-part="${place}"]`));
    pressed.hidden = what === undefined;
    if (what === undefined) return;
    pressed.dataset.action = what.action;
    pressed.disabled = !what.enabled;
    if (place === "main") pressed.classList.toggle("primary", what.primary);
    write(pressed, what.label);
    set(pressed, "title", withKey(what.label, what.action));
  }

  /** A row that is closed has its copy at hand. */
  #updateCopyRow() {
    const copyRow = button(this.#element, "copy-row");
    const isClosed = this.#element.classList.contains("closed");
    copyRow.hidden = !isClosed || !this.#can("copy");
    set(copyRow, "aria-label", `Copy the access token of ${this.#card.name}`);
  }

  /** @param {ButtonAction} action */
  #can(action) {
    return this.#card.buttons.some((one) => one.action === action && one.enabled);
  }

  /** @param {HTMLButtonElement} pressed */
  #act(pressed) {
    this.act(/** @type {ButtonAction} */ (pressed.dataset.action), pressed);
  }

  /** Does what a button does, if it can be done now. @param {ButtonAction} action @param {HTMLButtonElement} [pressed] */
  act(action, pressed) {
    if (!this.#can(action)) return;
    const { name, farewell, buttons } = this.#card;
    const label = buttons.find((one) => one.action === action)?.label ?? "";
    const busy = pressed ?? /** @type {HTMLButtonElement} */ (part(this.#element, '[data-part="main"]'));
    const run = (/** @type {() => Promise<void>} */ work) => void attempt(busy, field(this.#element, "trouble"), work);
    switch (action) {
      case "copy":
        return run(async () => say(await copy(name)));
      case "refresh":
        return run(async () => say(await refresh(name)));
      case "login-again":
        return openLogin(this.#card);
      case "logout":
        return ask(farewell, label, () => run(() => logOut(name)));
      case "remove":
        return ask(farewell, label, () => run(() => remove(name)));
    }
  }
}

/** The keys of `keys.js`. @type {Partial<Record<ButtonAction, string>>} */
const KEYS = { copy: "Ctrl+C", refresh: "Ctrl+R", "login-again": "Ctrl+L" };

/** @param {string} label @param {ButtonAction} action */
function withKey(label, action) {
  const key = KEYS[action];
  return key === undefined ? label : `${label} (${key})`;
}

/** What is written is drawn anew, even if it is the same. @param {Element} element @param {string} name @param {string} value */
function set(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}
