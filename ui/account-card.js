// One account's card. It is built once; afterwards only what reads differently is written.

/** @import { Button, Card } from "./types" */

import { copy, logOut, refresh, remove } from "./agent.js";
import { openLogin } from "./login-dialog.js";
import { button, field, fromTemplate, part, say, write } from "./page.js";
import { ask } from "./question.js";
import { attempt, hideTrouble } from "./trouble.js";

export class AccountCard {
  /** @type {Card} */ #card;
  #element = fromTemplate("account-card");
  /** @type {HTMLButtonElement[]} */ #buttons;

  /**
   * @param {Card} card
   * @param {boolean} all show all scopes
   * @param {(all: boolean) => void} onDetails
   */
  constructor(card, all, onDetails) {
    this.#card = card;
    this.#element.dataset.account = card.name;
    this.#buttons = card.buttons.map(() => document.createElement("button"));
    this.#buttons.forEach((pressed, index) => {
      pressed.type = "button";
      pressed.addEventListener("click", () => this.#act(pressed, this.#card.buttons[index]));
    });
    part(this.#element, '[data-place="buttons"]').append(...this.#buttons);
    this.#showAll(all);
    button(this.#element, "details").addEventListener("click", () => {
      const all = !this.#element.classList.contains("all");
      this.#showAll(all);
      onDetails(all);
    });
    this.update(card);
  }

  get element() {
    return this.#element;
  }

  get card() {
    return this.#card;
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
    part(this.#element, ".left").setAttribute("stroke-dasharray", `${life_left} 2`);
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
    write(field(this.#element, "endpoint"), endpoint);
  }

  /** @param {boolean} all */
  #showAll(all) {
    this.#element.classList.toggle("all", all);
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
