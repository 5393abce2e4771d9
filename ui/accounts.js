// The cards, one for each account, in the order of the report.

/** @import { Card } from "./types" */

import { AccountCard } from "./account-card.js";
import { rememberDetails } from "./agent.js";
import { field, fromTemplate } from "./page.js";

export class Accounts {
  element = fromTemplate("accounts");
  /** @type {Map<string, AccountCard>} */ #cards = new Map();
  /** @type {Set<string>} */ #details;

  /** @param {Iterable<string>} details the accounts that show all their scopes */
  constructor(details) {
    this.#details = new Set(details);
    new ResizeObserver(() => this.#cards.forEach((card) => card.measure())).observe(this.element);
  }

  /** @param {Card[]} cards */
  update(cards) {
    const names = new Set(cards.map((card) => card.name));
    for (const [name, gone] of this.#cards) {
      if (names.has(name)) continue;
      gone.element.remove();
      this.#cards.delete(name);
    }
    cards.forEach((card, index) => {
      const shown = this.#cards.get(card.name) ?? this.#add(card);
      if (shown.update(card)) field(document, "announcement").textContent = card.announcement;
      const there = this.element.children[index];
      if (there !== shown.element) this.element.insertBefore(shown.element, there ?? null);
      shown.measure();
    });
  }

  /** The card of an account; none named: of the default, or of the first. @param {string | null} account */
  find(account) {
    const cards = [...this.#cards.values()].map((shown) => shown.card);
    if (account !== null) return cards.find((card) => card.name === account);
    return cards.find((card) => card.default) ?? cards[0];
  }

  /** @param {Card} card */
  #add(card) {
    const added = new AccountCard(card, this.#details.has(card.name), (all) => {
      if (all) this.#details.add(card.name);
      else this.#details.delete(card.name);
      void rememberDetails([...this.#details]);
    });
    this.#cards.set(card.name, added);
    return added;
  }
}
