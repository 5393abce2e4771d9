// One account's card. It is built once; afterwards only what reads differently is written.

/** @import { Button, Card, Step } from "./types" */

import { openAccount } from "./account-dialog.js";
import { copy, logOut, moveAccount, refresh, remove } from "./agent.js";
import { openHistory } from "./history-dialog.js";
import { openLogin } from "./login-dialog.js";
import { button, field, fromTemplate, part, say, write, writeUrl } from "./page.js";
import { ask } from "./question.js";
import { attempt, hideTrouble } from "./trouble.js";

export class AccountCard {
  /** @type {Card} */ #card;
  #element = fromTemplate("account-card");
  /** @type {HTMLButtonElement[]} */ #buttons;
  #row = part(this.#element, ".row");
  /** @type {() => void} */ #onRow;

  /**
   * @param {Card} card
   * @param {() => void} onRow a person opens or closes it
   */
  constructor(card, onRow) {
    this.#card = card;
    this.#element.dataset.account = card.name;
    this.#buttons = card.buttons.map(() => document.createElement("button"));
    this.#buttons.forEach((pressed, index) => {
      pressed.type = "button";
      pressed.addEventListener("click", () => this.#act(pressed, this.#card.buttons[index]));
    });
    part(this.#element, '[data-place="buttons"]').append(...this.#buttons);
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
    this.#buttons.forEach((pressed, index) => updateButton(pressed, card.buttons[index]));
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
    for (const ring of this.#element.querySelectorAll(".left")) ring.setAttribute("stroke-dasharray", `${life_left} 2`);
    const mark = part(this.#element, ".mark");
    mark.toggleAttribute("hidden", life_left_at_refresh === null);
    mark.setAttribute("transform", `rotate(${(life_left_at_refresh ?? 0) * 360} 50 50)`);
  }

  #updateDetails() {
    const { scope_count, scope, user_id, endpoint } = this.#card;
    write(field(this.#element, "scope-count"), scope_count);
    write(field(this.#element, "scope"), scope.join(" "));
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

  /** @param {HTMLButtonElement} pressed @param {Button} what */
  #act(pressed, { action, label }) {
    const { name, farewell } = this.#card;
    const run = (/** @type {() => Promise<void>} */ work) => {
      void attempt(pressed, field(this.#element, "trouble"), work);
    };
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

/** @param {HTMLButtonElement} pressed @param {Button} what */
function updateButton(pressed, { action, label, enabled, primary }) {
  pressed.dataset.action = action;
  pressed.disabled = !enabled;
  pressed.classList.toggle("primary", primary);
  write(pressed, label);
}
