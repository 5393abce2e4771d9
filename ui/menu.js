// What stands behind "⋯": a menu of buttons (WAI-ARIA Authoring Practices, "Menu Button").

/**
 * Lets a button open a menu. Arrow keys go from item to item; Escape, a choice and a click elsewhere close it.
 * @param {HTMLButtonElement} opener
 * @param {HTMLElement} menu
 */
export function menuButton(opener, menu) {
  const items = () => /** @type {HTMLElement[]} */ ([...menu.querySelectorAll('[role="menuitem"]:not([hidden], :disabled)')]);
  /** @param {boolean} open */
  const show = (open) => {
    menu.hidden = !open;
    opener.setAttribute("aria-expanded", String(open));
  };
  /** @param {boolean} back does the focus go back to the button? */
  const close = (back) => {
    if (menu.hidden) return;
    show(false);
    if (back) opener.focus();
  };
  opener.addEventListener("click", () => {
    show(menu.hidden);
    if (!menu.hidden) items()[0]?.focus();
  });
  // Before the item does its work: a dialog gives the focus back to the button.
  menu.addEventListener("click", (event) => {
    // Who moves an account may want to move it further.
    if (/** @type {Element} */ (event.target).closest("[data-step]") === null) close(true);
  }, true);
  menu.addEventListener("keydown", (event) => {
    const all = items();
    const index = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const next = { ArrowDown: index + 1, ArrowUp: index - 1 + all.length, Home: 0, End: all.length - 1 }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      all[next % all.length]?.focus();
    }
    if (event.key !== "Escape") return;
    event.preventDefault();
    close(true);
  });
  // Wherever else the focus or the pointer goes.
  menu.addEventListener("focusout", (event) => {
    const to = /** @type {Node | null} */ (event.relatedTarget);
    if (to !== null && to !== opener && !menu.contains(to)) close(false);
  });
  document.addEventListener("pointerdown", (event) => {
    const at = /** @type {Node} */ (event.target);
    if (!menu.contains(at) && !opener.contains(at)) close(false);
  });
}
