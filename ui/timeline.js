// The last days as a picture. Places, words and times come ready; here they only get their shapes.

/** @import { History, Item } from "./types" */

import { write } from "./page.js";

/** Where the lanes are, in pixels from the top. */
const [TOKENS, STRETCHES, MOMENTS, CLOCK] = [4, 26, 54, 86];
/** The lines of the clock, and the stripes of a sleep, end here. */
const FLOOR = CLOCK - 14;
/** Nothing is narrower than a finger of a mouse. */
const NARROWEST = 8;
/** A label further to the right, in percent, would leave the picture. */
const LAST_LABEL = 93;

/** @param {SVGElement} picture @param {History} history @param {HTMLElement} told */
export function drawTimeline(picture, history, told) {
  const focused = [...picture.querySelectorAll("[role=option]")].indexOf(/** @type {Element} */ (document.activeElement));
  const ticks = history.ticks.flatMap(({ label, left }) => {
    const line = make("line", { class: "tick", x1: `${left}%`, x2: `${left}%`, y1: 0, y2: FLOOR });
    if (left > LAST_LABEL) return [line];
    const text = make("text", { class: "clock", x: `${left}%`, y: CLOCK, dx: 3 });
    text.textContent = label;
    return [line, text];
  });
  const clock = make("g", { "aria-hidden": "true" });
  clock.append(...ticks);
  const options = history.items.map((item) => option(item));
  picture.replaceChildren(clock, ...options);
  picture.toggleAttribute("hidden", options.length === 0);

  /** @param {number} index */
  const show = (index) => {
    options.forEach((one, at) => {
      one.setAttribute("tabindex", at === index ? "0" : "-1");
      one.setAttribute("aria-selected", String(at === index));
    });
    const item = history.items[index];
    write(told, item === undefined ? "" : sentence(item));
  };
  options.forEach((one, index) => {
    one.addEventListener("pointerenter", () => show(index));
    one.addEventListener("focus", () => show(index));
    one.addEventListener("keydown", (event) => {
      const next = neighbour(event.key, index, options.length);
      if (next === undefined) return;
      event.preventDefault();
      options[next].focus();
    });
  });
  show(options.length - 1);
  if (focused >= 0) options.at(Math.min(focused, options.length - 1))?.focus();
}

/** @param {Item} item */
const sentence = ({ time, what, why }) => `${time}: ${what}. ${why}`.trim();

/** @param {string} key @param {number} index @param {number} count */
function neighbour(key, index, count) {
  switch (key) {
    case "ArrowLeft":
    case "ArrowUp":
      return Math.max(index - 1, 0);
    case "ArrowRight":
    case "ArrowDown":
      return Math.min(index + 1, count - 1);
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return undefined;
  }
}

/** @param {Item} item @returns {SVGGElement} */
function option(item) {
  const element = /** @type {SVGGElement} */ (make("g", { role: "option", tabindex: "-1", "data-kind": item.kind }));
  element.setAttribute("aria-label", sentence(item));
  const [left, width] = [`${item.left}%`, `${item.width}%`];
  /** @param {string} name @param {number} y @param {number} height */
  const bar = (name, y, height) => make("rect", { class: name, x: left, y, width, height, rx: 2 });
  /** @param {string} name @param {string} shape */
  const mark = (name, shape) => {
    const place = make("svg", { x: left, y: MOMENTS, overflow: "visible" });
    place.append(make("path", { class: name, d: shape }));
    return place;
  };
  const begin = make("line", { class: "begin", x1: left, x2: left, y1: TOKENS, y2: TOKENS + 16 });
  const middle = { y1: FLOOR / 2, y2: FLOOR / 2, "stroke-width": FLOOR };
  switch (item.kind) {
    case "asleep":
      // Across everything, because the token's life goes on; it is pointed at below the lanes of what goes on.
      element.append(
        bar("asleep", 0, FLOOR),
        make("line", { class: "stripes", x1: left, x2: `${item.left + item.width}%`, ...middle }),
        bar("foot", FLOOR - 4, 4),
        bar("reach", MOMENTS - 10, FLOOR - MOMENTS + 10),
      );
      break;
    case "refreshed":
      element.append(bar("life-of-token", TOKENS, 16), begin);
      break;
    case "logged-in":
      element.append(bar("life-of-token", TOKENS, 16), begin, mark("dot", "M -5 6 a 5 5 0 1 0 10 0 a 5 5 0 1 0 -10 0"));
      break;
    case "offline":
      element.append(bar("stretch offline", STRETCHES, 14));
      break;
    case "failing":
      element.append(bar("stretch", STRETCHES, 14));
      break;
    case "refused":
      element.append(mark("cross", "M -4.5 1.5 l 9 9 m 0 -9 l -9 9"));
      break;
    case "keychain":
      element.append(mark("lock", "M 0 0 l 6 6 l -6 6 l -6 -6 z"));
      break;
    case "logged-out":
      element.append(mark("ring", "M -4.5 6 a 4.5 4.5 0 1 0 9 0 a 4.5 4.5 0 1 0 -9 0"));
      break;
  }
  const y = item.kind === "refreshed" || item.kind === "logged-in" ? TOKENS : STRETCHES;
  const touch = make("line", { class: "touch", x1: left, x2: left, y1: y, y2: MOMENTS + 12, "stroke-width": NARROWEST });
  element.append(touch);
  return element;
}

/** @param {string} name @param {Record<string, string | number>} attributes @returns {SVGElement} */
function make(name, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return /** @type {SVGElement} */ (element);
}
