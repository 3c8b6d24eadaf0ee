// The contact form. What somebody writes goes to one store; the phone is looked at as they leave the field, a file as they
// choose it, and everything again when it is sent.

import { isFinal, problems } from "./api.js";
import { Attachments } from "./attachments.js";
import { characters, el, fill, newId, randomId } from "./dom.js";
import { Field } from "./field.js";
import { hoursOf } from "./hours.js";
import { words } from "./words.js";

const say = words.form;
/** How few characters must be left for a person to be told. */
const LEFT_SHOWN = 200;
const EXPIRED_UPLOAD = "ERR_WEB_009";
/** Which field a problem is shown at, by what the front desk calls it. */
const FIELD_OF = { first_name: "name", last_name: "name", country: "phone" };

/** Puts the form into `place`. `store`: the location whose page this is; without it somebody has to choose. */
export async function mountForm(place, { api, store = null }) {
  fill(place, el("p", { class: "fd-loading", role: "status" }, say.loading));
  const answer = await api.config();
  if (answer.ok) {
    const form = new ContactForm(api, answer.body, store);
    fill(place, form.root);
    await form.ask(store);
    return;
  }
  const again = el("button", { type: "button", class: "fd-button" }, say.tryAgain);
  again.addEventListener("click", () => mountForm(place, { api, store }));
  fill(place, el("div", { class: "fd-outcome fd-bad", role: "alert" }, el("p", {}, say.notLoaded), again));
}

class ContactForm {
  #api;
  #config;
  #fields;
  #files = null;
  #sending = false;
  /** What was sent last, until it is known what became of it: its id makes a second try the same message. */
  #attempt = null;
  #phoneChecks = 0;

  constructor(api, config, store) {
    this.#api = api;
    this.#config = config;
    this.#fields = this.#makeFields(store);
    this.outcome = el("div", { class: "fd-outcome", role: "alert", hidden: true });
    this.button = el("button", { type: "submit", class: "fd-button" }, say.send);
    const rows = Object.values(this.#fields).map((field) => field.root);
    const sent = (event) => {
      event.preventDefault();
      this.#send();
    };
    this.form = el("form", { class: "fd-form", novalidate: true, onsubmit: sent }, rows, this.outcome, this.button);
    this.root = el("div", { class: "fd-contact" }, hoursOf(config.hours), this.form);
  }

  /** Has the front desk say what it thinks of a store that the page names and that is not on the list. */
  async ask(store) {
    if (!store || this.#location(store)) return;
    const answer = await this.#api.check({ location_uid: store });
    if (!answer.ok) this.#show(problems(answer));
  }

  // ---- The fields

  #makeFields(store) {
    const { locations, limits, uploads } = this.#config;
    const options = locations.map(({ uid, name }) => el("option", { value: uid, selected: uid === store }, name));
    this.store = el("select", { required: true, onchange: () => this.#storeChosen() });
    fill(this.store, el("option", { value: "" }, say.chooseStore), options);
    this.name = el("input", { type: "text", autocomplete: "name", required: true });
    this.phone = el("input", { type: "tel", inputmode: "tel", autocomplete: "tel", required: true });
    this.phone.addEventListener("change", () => this.#checkPhone());
    this.phoneIs = el("output", { class: "fd-confirm", for: (this.phone.id = newId("field")) });
    this.email = el("input", { type: "email", inputmode: "email", autocomplete: "email" });
    this.email.addEventListener("change", () => this.#checkEmail());
    this.text = el("textarea", { rows: 5, required: true, oninput: () => this.#countText() });
    this.left = el("p", { class: "fd-hint", role: "status" });
    const fields = {
      location_uid: new Field({ label: say.store, control: this.store, hint: say.storeHint }),
      name: new Field({ label: say.name, control: this.name }),
      phone: new Field({ label: say.phone, control: this.phone, hint: this.#phoneHint(), extra: this.phoneIs }),
      email: new Field({ label: say.email, control: this.email, optional: say.optional }),
      text: new Field({ label: say.message, control: this.text, extra: this.left }),
    };
    if (uploads) fields.attachments = this.#makeFiles(limits);
    return fields;
  }

  #makeFiles(limits) {
    const input = el("input", { type: "file", multiple: true, accept: limits.attachment_types.join(",") });
    const told = el("p", { class: "fd-hint", role: "status" });
    this.#files = new Attachments({
      api: this.#api,
      limits,
      say: (problem) => field.say(problem),
      tell: (sentence) => fill(told, sentence),
    });
    input.addEventListener("change", () => {
      const chosen = [...input.files];
      // So that the same file can be chosen again after it was removed.
      input.value = "";
      this.#files.add(chosen);
    });
    const hint = say.filesHint(limits.attachments_max, limits.attachment_bytes_max, limits.attachments_in_sum);
    const field = new Field({
      label: say.files,
      control: input,
      hint,
      optional: say.optional,
      extra: [this.#files.list, told],
    });
    return field;
  }

  #location(uid) {
    return this.#config.locations.find((location) => location.uid === uid);
  }

  #phoneHint() {
    const code = this.#location(this.store.value)?.country;
    const country = this.#config.countries.find((each) => each.code === code);
    if (!country) return say.phoneHint;
    const name = new Intl.DisplayNames(["en"], { type: "region" }).of(country.code);
    return say.phoneHintOf(name, country.calling_code);
  }

  #storeChosen() {
    this.#fields.location_uid.say(null);
    this.#fields.phone.hint(this.#phoneHint());
    // A local number is another one in another country.
    if (this.phone.value.trim()) this.#checkPhone();
  }

  async #checkPhone() {
    const phone = this.phone.value.trim();
    const check = (this.#phoneChecks += 1);
    this.#fields.phone.say(null);
    this.known = null;
    fill(this.phoneIs, phone ? say.checking : "");
    if (!phone) return;
    const answer = await this.#api.check({ phone, ...this.#place() });
    // Somebody who types on is not told about what they typed before.
    if (check !== this.#phoneChecks) return;
    fill(this.phoneIs);
    if (answer.ok && answer.body.phone) this.#phoneIsRight(answer.body.phone);
    else if (isFinal(answer)) this.#show(problems(answer));
    else fill(this.phoneIs, say.notChecked);
  }

  /** The number as it is kept, so that somebody sees a wrong one before it is used. */
  #phoneIsRight({ e164, can_text }) {
    this.known = e164;
    const more = can_text === false ? say.phoneNoText : say.phoneIsRight;
    fill(this.phoneIs, `${say.phoneIs} `, el("strong", {}, e164), `. ${more}`);
  }

  #place() {
    return this.store.value ? { location_uid: this.store.value } : {};
  }

  #checkEmail() {
    this.#fields.email.say(this.email.validity.typeMismatch ? { error: say.emailOdd } : null);
    return !this.email.validity.typeMismatch;
  }

  #countText() {
    const left = this.#config.limits.text_chars_max - characters(this.text.value);
    fill(this.left, left >= 0 && left <= LEFT_SHOWN ? say.left(left) : "");
    if (left >= 0 && this.#fields.text.wrong) this.#fields.text.say(null);
  }

  // ---- Sending

  async #send() {
    if (this.#sending) return;
    this.#conclude(null);
    if (!this.#isComplete()) return;
    this.#sending = true;
    this.button.setAttribute("aria-disabled", "true");
    fill(this.button, say.sending);
    try {
      await this.#sendNow();
    } finally {
      this.#sending = false;
      this.button.removeAttribute("aria-disabled");
      fill(this.button, say.send);
    }
  }

  async #sendNow() {
    let attachments = [];
    if (this.#files?.count) {
      this.#conclude(say.waitingForFiles, "");
      attachments = await this.#files.tokens();
      if (!attachments) return this.#conclude(say.fileFailed);
      this.#conclude(null);
    }
    const message = this.#message(attachments);
    const answer = await this.#api.message(message);
    if (isFinal(answer)) this.#attempt = null;
    this.#answered(answer, message);
  }

  #message(attachments) {
    const written = {
      name: this.name.value.trim(),
      phone: this.phone.value.trim(),
      location_uid: this.store.value,
      text: this.text.value.trim(),
      ...(this.email.value.trim() && { email: this.email.value.trim() }),
      ...(attachments.length > 0 && { attachments }),
    };
    const said = JSON.stringify(written);
    // Changed words are another message: under the old id they would be taken for known.
    if (this.#attempt?.said !== said) this.#attempt = { said, message_id: randomId() };
    return { message_id: this.#attempt.message_id, ...written };
  }

  /** Looks at what needs no server, so that an empty form asks nobody anything. */
  #isComplete() {
    const { name_chars_max, text_chars_max } = this.#config.limits;
    const empty = (value) => value.trim() === "";
    const wrong = {
      location_uid: empty(this.store.value) && say.required.location_uid,
      name:
        (empty(this.name.value) && say.required.name) ||
        (characters(this.name.value.trim()) > name_chars_max && say.nameLong(name_chars_max)),
      phone: empty(this.phone.value) && say.required.phone,
      email: this.email.validity.typeMismatch && say.emailOdd,
      text:
        (empty(this.text.value) && !this.#files?.count && say.required.text) ||
        (characters(this.text.value.trim()) > text_chars_max && say.textLong(text_chars_max)),
    };
    for (const [name, error] of Object.entries(wrong)) {
      if (error) this.#fields[name].say({ error });
      // What the front desk said of a number stays until the number changes.
      else if (name !== "phone") this.#fields[name].say(null);
    }
    // A file that was refused is not among those that are sent, so it stops nobody.
    return this.#look(Object.values(this.#fields).filter((field) => field !== this.#fields.attachments));
  }

  /** Takes somebody to the first of these fields that is wrong; false if there is one. */
  #look(fields) {
    const wrong = fields.find((field) => field.wrong);
    if (!wrong) return true;
    this.#conclude(say.look);
    wrong.focus();
    return false;
  }

  /** Shows each problem at its field, or under all of them. */
  #show(found) {
    const others = [];
    for (const problem of found) {
      const field = this.#fields[FIELD_OF[problem.field] ?? problem.field];
      if (field) field.say(problem);
      else others.push(problem);
    }
    if (others.length > 0) this.#conclude(others.map(({ error }) => error).join(" "), "fd-bad", others[0].code);
  }

  #answered(answer, message) {
    const { body, status, retryAfterS } = answer;
    if (answer.ok) return this.#done(body, message);
    if (status === 451) return this.#done({ ...body, status: "kept" }, message);
    if (status === 429) return this.#conclude(say.tooMany(retryAfterS), "fd-bad", body.code, retryAfterS);
    if (status === 0) return this.#conclude(say.noAnswer);
    if (status >= 500) return this.#conclude(say.notKept(retryAfterS), "fd-bad", body.code, retryAfterS);
    const found = problems(answer);
    if (found.some(({ code }) => code === EXPIRED_UPLOAD)) this.#files?.expire();
    if (found.length === 0) return this.#conclude(say.refused);
    this.#show(found);
    if (this.outcome.hidden) this.#look(Object.values(this.#fields));
  }

  /** What became of it, in place of the form; the words are kept, in case somebody wants to write to another store. */
  #done(body, message) {
    const store = this.#location(message.location_uid)?.name ?? "";
    const phone = body.phone ?? this.known ?? message.phone;
    const [title, more] = {
      accepted: [say.sent(message.name), say.sentTo(store, phone)],
      duplicate: [say.sent(message.name), say.already],
      opted_out: [say.optedOut, say.optedOutMore(phone)],
      kept: [say.kept, body.error ?? ""],
    }[body.status] ?? [say.sent(message.name), ""];
    const heading = el("h3", { tabindex: "-1" }, title);
    const code = body.code ? el("span", { class: "fd-code" }, body.code) : null;
    const another = el("button", { type: "button", class: "fd-button", onclick: () => this.#again(panel) }, say.another);
    const kind = body.status === "kept" ? "fd-noted" : "fd-good";
    const panel = el("div", { class: `fd-outcome ${kind}`, role: "status" }, heading, el("p", {}, more, " ", code), another);
    this.form.hidden = true;
    this.root.append(panel);
    heading.focus();
  }

  #again(panel) {
    panel.remove();
    this.text.value = "";
    this.#countText();
    this.#files?.clear();
    this.form.hidden = false;
    this.text.focus();
  }

  /** Says under the form what became of it; and, after a wait, that it is over. */
  #conclude(sentence, kind = "fd-bad", code = null, waitS = null) {
    clearTimeout(this.waiting);
    this.outcome.hidden = !sentence;
    this.outcome.className = `fd-outcome ${kind}`;
    fill(this.outcome, sentence && el("p", {}, sentence, code && " ", code && el("span", { class: "fd-code" }, code)));
    if (waitS !== null) this.waiting = setTimeout(() => this.#conclude(say.now, ""), Math.min(waitS, 3600) * 1000);
  }
}
