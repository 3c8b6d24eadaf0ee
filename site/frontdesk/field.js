// One field of a form: its label, its hint, and what is wrong with it, said where a screen reader hears it.

import { el, fill, newId } from "./dom.js";

export class Field {
  #error;
  #hint;
  #label;

  /**
   * `control` is the input, or with `group` what holds several of them. `extra` stands under the control.
   */
  constructor({ label, control, hint = "", optional = "", group = false, extra = null }) {
    this.control = control;
    control.id ||= newId("field");
    this.#hint = el("p", { class: "fd-hint", id: `${control.id}-hint` }, hint);
    this.#error = el("p", { class: "fd-error", id: `${control.id}-error`, "aria-live": "polite" });
    const named = group ? { id: `${control.id}-label` } : { for: control.id };
    this.#label = el(group ? "span" : "label", { class: "fd-label", ...named }, label);
    if (group) control.setAttribute("aria-labelledby", named.id);
    if (optional) this.#label.append(" ", el("span", { class: "fd-optional" }, optional));
    this.root = el("div", { class: "fd-field" }, [this.#label, this.#hint, control, extra, this.#error].flat());
    this.hint(hint);
  }

  /** What helps before anything is wrong. */
  hint(words) {
    fill(this.#hint, words);
    this.#hint.hidden = words === "";
    this.#describe();
  }

  /** Says what is wrong: { error, code? }, or nothing any more. */
  say(problem) {
    const code = problem?.code ? el("span", { class: "fd-code" }, problem.code) : null;
    fill(this.#error, problem ? [problem.error, code && " ", code] : []);
    if (problem) this.control.setAttribute("aria-invalid", "true");
    else this.control.removeAttribute("aria-invalid");
    this.#describe();
  }

  get wrong() {
    return this.control.getAttribute("aria-invalid") === "true";
  }

  focus() {
    (this.control.matches("input, select, textarea, button") ? this.control : this.control.querySelector("input"))?.focus();
  }

  #describe() {
    const said = [this.#hint, this.#error].filter((element) => element.textContent !== "").map((element) => element.id);
    if (said.length > 0) this.control.setAttribute("aria-describedby", said.join(" "));
    else this.control.removeAttribute("aria-describedby");
  }
}
