// The chat: a button, and a panel in which somebody talks to the assistant. One question at a time; what fails is said in
// words and can be tried again.

import { answerOf } from "./answers.js";
import { characters, el, fill, newId, randomId, text } from "./dom.js";
import { words } from "./words.js";

const say = words.chat;
const PROMPT_CHARS_MAX = 1_000;
const SESSION = "frontdesk.session";
/** Below this the panel takes the whole screen, as in frontdesk.css. */
const SMALL = "(max-width: 30rem)";

/**
 * Puts the chat at the end of the page. `starters`: questions to begin with. Returns { open, close, ask }: `ask(words)`
 * opens it and asks that.
 */
export function mountChat({ api, shop, greeting = say.greeting, starters = [] }) {
  const chat = new Chat(api, shop, greeting, starters);
  document.body.append(chat.root);
  return { open: () => chat.open(), close: () => chat.close(), ask: (prompt) => chat.ask(prompt) };
}

class Chat {
  #api;
  #shop;
  #pending = false;
  #waiting = null;

  constructor(api, shop, greeting, starters) {
    this.#api = api;
    this.#shop = shop;
    this.#makePanel();
    this.launcher = el("button", { type: "button", class: "fd-launcher", "aria-expanded": "false" }, say.open);
    this.launcher.setAttribute("aria-controls", this.panel.id);
    this.launcher.addEventListener("click", () => (this.panel.hidden ? this.open() : this.close()));
    this.root = el("div", { class: "fd-chat" }, this.launcher, this.panel);
    const first = starters.length > 0 ? { responses: starters.map((each) => ({ text: each, value: each })) } : null;
    const said = first
      ? { content: greeting, content_type: "quick_reply", content_attributes: { responses: first } }
      : { output: greeting };
    this.#theirs(said);
  }

  #makePanel() {
    const title = el("h2", { id: newId("chat-title") }, say.title(this.#shop));
    const close = el("button", { type: "button", class: "fd-close", "aria-label": say.close, onclick: () => this.close() }, "×");
    this.log = el("div", { class: "fd-log", role: "log", "aria-label": say.title(this.#shop), tabindex: "0" });
    this.status = el("p", { class: "fd-pending", role: "status" });
    this.problem = el("p", { class: "fd-error", role: "alert", id: newId("chat-problem") });
    this.prompt = el("textarea", { rows: 1, placeholder: say.placeholder, id: newId("prompt") });
    this.prompt.setAttribute("aria-describedby", this.problem.id);
    this.prompt.addEventListener("keydown", (event) => this.#typed(event));
    this.prompt.addEventListener("input", () => this.#wrong(null));
    const label = el("label", { class: "fd-sr", for: this.prompt.id }, say.prompt);
    this.button = el("button", { type: "submit", class: "fd-button" }, say.send);
    const sent = (event) => {
      event.preventDefault();
      this.#send();
    };
    const form = el("form", { class: "fd-prompt", novalidate: true, onsubmit: sent }, label, this.prompt, this.button);
    this.panel = el(
      "section",
      { class: "fd-panel", role: "dialog", "aria-labelledby": title.id, id: newId("chat"), hidden: true },
      el("div", { class: "fd-head" }, title, close),
      [this.log, this.status, this.problem, form],
    );
    this.panel.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
  }

  // ---- Open and closed

  open() {
    this.panel.hidden = false;
    this.launcher.setAttribute("aria-expanded", "true");
    fill(this.launcher, say.close);
    this.#cover(window.matchMedia(SMALL).matches);
    this.prompt.focus();
    this.#toEnd();
  }

  close() {
    if (this.panel.hidden) return;
    this.panel.hidden = true;
    this.launcher.setAttribute("aria-expanded", "false");
    fill(this.launcher, say.open);
    this.#cover(false);
    this.launcher.focus();
  }

  /** While the panel covers the page, nobody is to get lost behind it. */
  #cover(covered) {
    for (const beside of document.body.children) {
      if (beside !== this.root) beside.inert = covered;
    }
    document.documentElement.classList.toggle("fd-covered", covered);
  }

  // ---- Talking

  ask(prompt) {
    this.open();
    this.#say(prompt);
  }

  #typed(event) {
    // Enter ends a word, too, where words are composed.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#send();
  }

  #send() {
    const prompt = this.prompt.value.trim();
    if (!prompt || this.#pending) return;
    if (characters(prompt) > PROMPT_CHARS_MAX) {
      this.#wrong(say.tooLong(PROMPT_CHARS_MAX));
      return;
    }
    this.prompt.value = "";
    this.#say(prompt);
  }

  /** Asks `prompt`, shown as `words`. What is chosen while an answer is awaited comes after it. */
  async #say(prompt, words = prompt) {
    if (this.#pending) {
      this.#waiting = [prompt, words];
      return;
    }
    this.#wrong(null);
    this.#append("fd-ours", say.you, el("p", { class: "fd-text" }, words));
    await this.#ask(prompt);
    const next = this.#waiting;
    this.#waiting = null;
    if (next) await this.#say(...next);
  }

  async #ask(prompt) {
    this.#wait(true);
    const answer = await this.#api.chat(prompt, session());
    this.#wait(false);
    if (answer.ok) this.#theirs(answer.body);
    else this.#failed(prompt, answer);
  }

  #theirs(body) {
    const choose = (value, words) => this.#say(value, words);
    const bubble = this.#append("fd-theirs", this.#shop, answerOf(body, { api: this.#api, choose }));
    // What is longer than the panel is read from its beginning.
    if (bubble.offsetHeight > this.log.clientHeight) this.log.scrollTop = bubble.offsetTop - this.log.offsetTop;
  }

  #failed(prompt, { status, body, retryAfterS }) {
    const ours = status >= 500 || status === 0 ? null : text(body.error);
    const sentence =
      (status === 429 && say.tooMany(retryAfterS)) || (status === 0 && say.noAnswer) || (ours ?? say.failed);
    const again = el("button", { type: "button", class: "fd-quiet" }, say.again);
    const bubble = this.#append("fd-theirs fd-failed", this.#shop, [el("p", { class: "fd-text" }, sentence), again]);
    again.addEventListener("click", async () => {
      if (this.#pending) return;
      bubble.remove();
      this.prompt.focus();
      await this.#ask(prompt);
    });
  }

  #append(kind, who, content) {
    const bubble = el("div", { class: `fd-bubble ${kind}` }, el("span", { class: "fd-sr" }, `${who}: `), content);
    this.log.append(bubble);
    this.#toEnd();
    return bubble;
  }

  #wait(pending) {
    this.#pending = pending;
    if (pending) this.button.setAttribute("aria-disabled", "true");
    else this.button.removeAttribute("aria-disabled");
    fill(this.status, pending ? say.pending(this.#shop) : "");
    if (pending) this.#toEnd();
  }

  #wrong(sentence) {
    fill(this.problem, sentence);
    if (sentence) this.prompt.setAttribute("aria-invalid", "true");
    else this.prompt.removeAttribute("aria-invalid");
  }

  #toEnd() {
    this.log.scrollTop = this.log.scrollHeight;
  }
}

/** By which the assistant knows what was said before: made up here, and forgotten with the tab. */
function session() {
  try {
    let known = sessionStorage.getItem(SESSION);
    if (!known) {
      known = randomId();
      sessionStorage.setItem(SESSION, known);
    }
    return known;
  } catch {
    // A browser that keeps nothing: each question stands for itself.
    return null;
  }
}
