// What the assistant answers, as elements: text, articles, cards, choices, forms. The rules are those of the chat widgets
// that are out there, so that what looks right here looks right there; where those show less, this shows it.

import { el, link, text, webAddress } from "./dom.js";
import { formOf } from "./forms.js";
import { words } from "./words.js";

const say = words.chat;

/** `choose(value, words)` is called with what a chosen option stands for, and what it is called. */
export function answerOf(body, { api, choose }) {
  const content = text(body.content);
  const type = text(body.content_type);
  if (!content || !type) {
    return el("p", { class: "fd-text" }, text(body.output) ?? text(body.message) ?? say.nothing);
  }
  const attributes = body.content_attributes ?? {};
  switch (type) {
    case "article":
      return articles(content, listed(attributes.items));
    case "card":
      return cards(content, attributes.cards ?? {});
    case "quick_reply":
    case "canned_response":
      return choices(content, attributes.responses ?? {}, choose);
    case "form":
      return form(content, attributes.form ?? {}, api);
    default:
      return el("p", { class: "fd-text" }, say.interactive(content));
  }
}

function listed(value) {
  return Array.isArray(value) ? value.filter((item) => typeof item === "object" && item !== null) : [];
}

function articles(heading, items) {
  const shown = items.filter((item) => text(item.title));
  return el(
    "div",
    { class: "fd-articles" },
    el("p", { class: "fd-title" }, heading),
    el("ul", {}, shown.map(({ title, description, link: to }) => el("li", {}, away(to, title), note(description)))),
  );
}

function cards(heading, { title, description, cards: items }) {
  return el(
    "div",
    { class: "fd-cards" },
    el("p", { class: "fd-title" }, text(title) ?? heading),
    note(description),
    el("ul", {}, listed(items).filter((item) => text(item.title)).map(card)),
  );
}

function card({ title, description, image, imageAlt, link: to, linkText, badge, price }) {
  return el(
    "li",
    { class: "fd-card" },
    picture(image, text(imageAlt) ?? ""),
    el(
      "div",
      {},
      text(badge) && el("span", { class: "fd-badge" }, badge),
      el("p", { class: "fd-card-title" }, title),
      note(description),
      text(price) && el("p", { class: "fd-price" }, price),
      // "Learn More" alone says nothing to somebody who hears a list of links.
      webAddress(to) && away(to, text(linkText) ?? say.learnMore, title),
    ),
  );
}

/** A picture, or an empty frame where there is none. */
function picture(address, alt) {
  const frame = el("div", { class: "fd-picture" });
  const src = webAddress(address);
  if (src) frame.append(el("img", { src, alt, loading: "lazy", onerror: (event) => event.target.remove() }));
  return frame;
}

function choices(heading, { title, description, responses }, choose) {
  const shown = listed(responses).filter((response) => text(response.text));
  const buttons = shown.map((response) => el("button", { type: "button", class: "fd-chip" }, response.text));
  buttons.forEach((button, index) => {
    button.addEventListener("click", () => {
      // A second click would ask the same again.
      if (button.getAttribute("aria-disabled") === "true") return;
      for (const each of buttons) each.setAttribute("aria-disabled", "true");
      button.setAttribute("aria-pressed", "true");
      choose(text(shown[index].value) ?? shown[index].text, shown[index].text);
    });
  });
  return el(
    "div",
    { class: "fd-choices" },
    el("p", { class: "fd-text" }, text(title) ?? heading),
    note(description),
    el("p", { class: "fd-hint" }, say.choose),
    el("div", { class: "fd-chips", role: "group", "aria-label": text(title) ?? heading }, buttons),
  );
}

function form(heading, described, api) {
  if (!Array.isArray(described.fields) || described.fields.length === 0) return el("p", { class: "fd-text" }, heading);
  return formOf(described, { api, heading });
}

function note(value) {
  return text(value) && el("p", { class: "fd-note" }, value);
}

function away(to, shown, about = "") {
  const more = el("span", { class: "fd-sr" }, `${about && `: ${about}`} ${say.newTab}`);
  return webAddress(to) ? link(to, [shown, more], "fd-link") : el("span", { class: "fd-card-title" }, shown);
}
