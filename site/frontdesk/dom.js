// Building the page: text becomes text and never markup, and a link leads to the web or nowhere.

let last = 0;

/** An id that no other element of the page has. */
export function newId(what) {
  last += 1;
  return `fd-${what}-${last}`;
}

/**
 * An element with attributes and children. `on…` attributes are listeners; `false`, `null` and `undefined` are left out.
 * Strings among the children become text nodes, so nothing that came over the network is ever read as HTML.
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  fill(element, ...children);
  return element;
}

/** Replaces what is in an element. */
export function fill(element, ...children) {
  const kept = children.flat().filter((child) => child !== null && child !== undefined && child !== false);
  element.replaceChildren(...kept);
  return element;
}

/** A text that is worth showing, or null. */
export function text(value) {
  return typeof value === "string" && value.trim() !== "" ? value : null;
}

/** An absolute http(s) address, or null for everything else: `javascript:` would run in the page. */
export function webAddress(value) {
  if (!text(value)) return null;
  try {
    const url = new URL(value);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/** A link that opens beside the page, or its words alone if it leads nowhere. */
export function link(address, words, className) {
  const href = webAddress(address);
  if (!href) return el("span", { class: className }, words);
  return el("a", { class: className, href, target: "_blank", rel: "noopener noreferrer" }, words);
}

/** How many characters people would count: a flag or a family is one. */
export function characters(value) {
  if (!("Segmenter" in Intl)) return [...value].length;
  let count = 0;
  for (const _ of new Intl.Segmenter().segment(value)) count += 1;
  return count;
}

/** An id that nobody else has. Pages that are not served over HTTPS have no `crypto.randomUUID`. */
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
