// The accounts in the order of the report: one as a card, several as a list of rows of which one is open.

/** @import { Card } from "./types" */

import { AccountCard } from "./account-card.js";
import { rememberOpen } from "./agent.js";
import { CHANGED } from "./history-dialog.js";
import { updateLogin } from "./login-dialog.js";
import { field, fromTemplate, input, part, write } from "./page.js";

/** From so many accounts on, a person looks for one by its name. */
const MANY = 10;

export class Accounts {
  element = fromTemplate("accounts");
  #list = part(this.element, ".accounts");
  #filter = input(this.element, "filter");
  /** @type {Map<string, AccountCard>} */ #cards = new Map();
  /** The open account; undefined until there is one to choose from. @type {string | null | undefined} */ #open;

  /** @param {string | null} open the account that was open the last time */
  constructor(open) {
    this.#open = open ?? undefined;
    this.#filter.addEventListener("input", () => this.#applyFilter());
    this.#filter.addEventListener("keydown", ({ key }) => {
      if (key !== "Escape") return;
      this.#filter.value = "";
      this.#applyFilter();
    });
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
    if (this.#open === undefined || (this.#open !== null && !names.has(this.#open))) {
      this.#open = (cards.find((card) => card.default) ?? cards[0])?.name;
    }
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    const news = cards.filter((card, index) => this.#place(card, index));
    // A card that changes its place loses the focus.
    if (focused !== document.activeElement && this.element.contains(focused)) focused?.focus();
    // All at once: a text that replaces another is not read to its end.
    if (news.length > 0) field(document, "announcement").textContent = news.map((card) => card.announcement).join(". ");
    this.#filter.hidden = cards.length < MANY;
    this.#applyFilter();
    this.#arrange();
    cards.forEach(updateLogin);
    for (const { name } of news) document.dispatchEvent(new CustomEvent(CHANGED, { detail: name }));
  }

  /** The card of an account; none named: of the default, or of the first. @param {string | null} account */
  find(account) {
    const cards = [...this.#cards.values()].map((shown) => shown.card);
    if (account !== null) return cards.find((card) => card.name === account);
    return cards.find((card) => card.default) ?? cards[0];
  }

  /** The card that keys are meant for: the one with the focus, the open one, or the default one's. */
  current() {
    const focused = [...this.#cards.values()].find((card) => card.element.contains(document.activeElement));
    const name = focused?.card.name ?? this.#open ?? this.find(null)?.name;
    return name === undefined ? undefined : this.#cards.get(name);
  }

  focusFilter() {
    if (!this.#filter.hidden) this.#filter.focus();
  }

  #applyFilter() {
    const wanted = this.#filter.hidden ? "" : this.#filter.value.trim().toLowerCase();
    let found = 0;
    for (const [name, card] of this.#cards) {
      card.element.hidden = !name.toLowerCase().includes(wanted);
      found += Number(!card.element.hidden);
    }
    write(field(this.element, "no-match"), found === 0 ? "No matching accounts." : "");
  }

  /** Opens an account and closes the others. @param {string | null} account */
  open(account) {
    this.#open = account;
    this.#arrange();
    void rememberOpen(account);
  }

  /** @param {Card} card @param {number} index @returns {boolean} has its state changed? */
  #place(card, index) {
    const shown = this.#cards.get(card.name) ?? this.#add(card);
    const changed = shown.update(card);
    const there = this.#list.children[index];
    if (there !== shown.element) this.#list.insertBefore(shown.element, there ?? null);
    return changed;
  }

  #arrange() {
    const isList = this.#cards.size > 1;
    this.#list.classList.toggle("list", isList);
    this.#cards.forEach((card, name) => {
      card.arrange(isList, !isList || name === this.#open);
      card.measure();
    });
  }

  /** @param {Card} card */
  #add(card) {
    const added = new AccountCard(card, () => this.open(this.#open === card.name ? null : card.name));
    this.#cards.set(card.name, added);
    return added;
  }
}
