// A form that came as data: `title`, `description`, `submitLabel`, `submitUrl` and `fields`, each of a type that the chat's
// contract knows. What is sent is what somebody touched, as { field: string | boolean }, to the address that came with it.

import { el, fill, text, webAddress } from "./dom.js";
import { Field } from "./field.js";
import { words } from "./words.js";

const say = words.answer;
const TYPES = ["text", "email", "tel", "textarea", "select", "checkbox", "radio"];
/** No person sees this one; programs that fill in whatever there is do. The front desk takes the form and forgets it. */
const HONEYPOT = "website";

/** The form as an element. `heading` is used when it has no title of its own. */
export function formOf(form, { api, heading = "" }) {
  return new AnsweredForm(form, api, heading).root;
}

class AnsweredForm {
  #api;
  #address;
  #inputs;
  #sending = false;

  constructor(form, api, heading) {
    this.#api = api;
    this.#address = webAddress(form.submitUrl);
    const known = form.fields.filter((field) => text(field?.id) && TYPES.includes(field.type));
    this.#inputs = known.map((field) => new Input(field));
    this.outcome = el("p", { class: "fd-outcome", role: "alert", hidden: true });
    this.button = el("button", { type: "submit", class: "fd-button" }, text(form.submitLabel) ?? say.submit);
    this.label = this.button.textContent;
    const trap = known.some((field) => field.id === HONEYPOT) ? null : this.#makeTrap();
    const sent = (event) => {
      event.preventDefault();
      this.#send();
    };
    const rows = this.#inputs.map((input) => input.field.root);
    this.root = el(
      "form",
      { class: "fd-form fd-answer-form", novalidate: true, onsubmit: sent },
      el("p", { class: "fd-title" }, text(form.title) ?? heading),
      text(form.description) && el("p", {}, form.description),
      [...rows, trap, this.outcome, this.button],
    );
  }

  #makeTrap() {
    this.trap = el("input", { type: "text", name: HONEYPOT, tabindex: "-1", autocomplete: "off" });
    return el("div", { class: "fd-unseen", "aria-hidden": "true" }, this.trap);
  }

  async #send() {
    if (this.#sending) return;
    this.#conclude(null);
    if (!this.#address) return this.#conclude(say.noAddress);
    const wrong = this.#inputs.filter((input) => !input.isGood());
    if (wrong.length > 0) {
      this.#conclude(say.look);
      wrong[0].field.focus();
      return;
    }
    this.#sending = true;
    this.button.setAttribute("aria-disabled", "true");
    fill(this.button, say.submitting);
    const answer = await this.#api.submit(this.#address, this.#values());
    this.#sending = false;
    this.button.removeAttribute("aria-disabled");
    fill(this.button, this.label);
    this.#answered(answer);
  }

  #values() {
    const touched = this.#inputs.filter((input) => input.touched).map((input) => [input.id, input.value]);
    if (this.trap?.value) touched.push([HONEYPOT, this.trap.value]);
    return Object.fromEntries(touched);
  }

  #answered({ ok, status, body, retryAfterS }) {
    if (ok) {
      const done = el("p", { class: "fd-outcome fd-good", role: "status", tabindex: "-1" }, text(body.message) ?? say.done);
      this.root.replaceWith(done);
      done.focus();
      return;
    }
    if (status === 429) return this.#conclude(say.tooMany(retryAfterS));
    const error = status >= 400 && status < 500 ? text(body.error) : null;
    // "email is required" begins with the field that it is about.
    const about = error && this.#inputs.find((input) => error.startsWith(`${input.id} `));
    if (!about) return this.#conclude(error ?? say.failed);
    about.field.say({ error });
    this.#conclude(say.look);
    about.field.focus();
  }

  #conclude(sentence) {
    this.outcome.hidden = !sentence;
    this.outcome.className = "fd-outcome fd-bad";
    fill(this.outcome, sentence);
  }
}

/** One field, of whatever type. */
class Input {
  constructor({ id, type, label, placeholder, required, options, validation }) {
    this.id = id;
    this.type = type;
    this.label = text(label) ?? id;
    this.required = required === true;
    this.validation = validation ?? {};
    this.touched = false;
    const choices = (Array.isArray(options) ? options : []).filter((option) => typeof option?.value === "string");
    const touch = () => {
      this.touched = true;
      if (this.field.wrong) this.field.say(null);
    };
    const common = { required: this.required, oninput: touch, onchange: touch };
    const hint = text(placeholder);
    this.control = this.#makeControl(choices, { ...common, placeholder: hint });
    this.field = new Field({ label: this.label, control: this.control, group: type === "radio" });
    if (type === "checkbox") this.field.root.classList.add("fd-check");
  }

  #makeControl(choices, common) {
    const shown = ({ value, label }) => text(label) ?? value;
    switch (this.type) {
      case "textarea":
        return el("textarea", { rows: 3, ...common });
      case "select": {
        const first = el("option", { value: "" }, common.placeholder ?? say.choose);
        const rest = choices.map((choice) => el("option", { value: choice.value }, shown(choice)));
        return el("select", { ...common, placeholder: null }, first, rest);
      }
      case "checkbox":
        return el("input", { type: "checkbox", ...common, placeholder: null });
      case "radio": {
        const name = `${this.id}-${Math.random().toString(36).slice(2)}`;
        const radio = (choice) =>
          el("label", { class: "fd-choice" }, el("input", { type: "radio", ...common, name, value: choice.value }), shown(choice));
        return el("div", { role: "radiogroup", "aria-required": String(this.required) }, choices.map(radio));
      }
      default: {
        const autocomplete = { email: "email", tel: "tel" }[this.type] ?? (this.id === "name" ? "name" : null);
        return el("input", { type: this.type, autocomplete, ...common });
      }
    }
  }

  get value() {
    if (this.type === "checkbox") return this.control.checked;
    if (this.type === "radio") return this.control.querySelector("input:checked")?.value ?? "";
    return this.control.value.trim();
  }

  /** Whether this can be sent; says so beside the field if not. */
  isGood() {
    const error = this.#error();
    this.field.say(error ? { error } : null);
    return !error;
  }

  #error() {
    const { value } = this;
    if (value === false || value === "") return this.required ? say.required(this.label) : null;
    if (this.type === "email" && this.control.validity.typeMismatch) return say.email;
    if (typeof value === "string" && !this.#fits(value)) return text(this.validation.message) ?? say.pattern;
    return null;
  }

  /** A pattern that is none keeps nobody from writing. */
  #fits(value) {
    if (!text(this.validation.pattern)) return true;
    try {
      return new RegExp(this.validation.pattern).test(value);
    } catch {
      return true;
    }
  }
}
