// Small things that every part of the page does: take a template, find a part, write a text.

/** A new copy of a template's only element. @param {string} id @returns {HTMLElement} */
export function fromTemplate(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {HTMLElement} */ (document.importNode(template.content, true).firstElementChild);
}

/** A part that is certainly there. @param {ParentNode} root @param {string} selector @returns {HTMLElement} */
export function part(root, selector) {
  const found = root.querySelector(selector);
  if (!(found instanceof Element)) throw new Error(`the page has no ${selector}`);
  return /** @type {HTMLElement} */ (found);
}

/** @param {ParentNode} root @param {string} name */
export const field = (root, name) => part(root, `[data-field="${name}"]`);

/** @param {ParentNode} root @param {string} name @returns {HTMLButtonElement} */
export const button = (root, name) => /** @type {HTMLButtonElement} */ (part(root, `[data-action="${name}"]`));

/** @param {ParentNode} root @param {string} name @returns {HTMLInputElement} */
export const input = (root, name) => /** @type {HTMLInputElement} */ (part(root, `[name="${name}"]`));

/** Writes a text where it differs, so that nothing flickers and a selection stays. @param {HTMLElement} element @param {string} text */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Writes a URL so that it breaks after a slash and not within a word. @param {HTMLElement} element @param {string} url */
export function writeUrl(element, url) {
  if (element.textContent === url) return;
  const parts = url.split(/(?<=[/.])(?=[^/])/);
  element.replaceChildren(...parts.flatMap((part) => [part, document.createElement("wbr")]));
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let silence;

/** Says for a while that something worked. @param {string} text */
export function say(text) {
  const said = field(document, "said");
  said.textContent = text;
  said.classList.add("shown");
  clearTimeout(silence);
  silence = setTimeout(hush, 6000);
}

/** What was said does not belong to what is done next. */
export function hush() {
  const said = field(document, "said");
  said.classList.remove("shown");
  said.textContent = "";
}

/** WebKit lets a click write to the clipboard, and nothing read from it. @param {string} text @param {string} done */
export function copyText(text, done) {
  void navigator.clipboard.writeText(text).then(() => say(done), () => say("Select it and copy it."));
}
