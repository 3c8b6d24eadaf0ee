// The files of a message: looked at as soon as they are chosen, before any request; then asked about, and put to where the
// front desk says, with what is on its way shown.

import { isFinal, problems } from "./api.js";
import { el, fill } from "./dom.js";
import { size, words } from "./words.js";

const TOO_LARGE = "ERR_WEBCHAT_005";
const WRONG_TYPE = "ERR_WEBCHAT_015";
/** Not every browser knows what a phone's pictures and films are. */
const BY_ENDING = { heic: "image/heic", heif: "image/heif", mov: "video/quicktime" };
/** A place for a file is not kept for ever; what is about to run out is asked for again. */
const MARGIN_S = 60;

export class Attachments {
  #api;
  #limits;
  #say;
  #tell;
  #files = [];

  /** `say(problem | null)` is told what is wrong with what was chosen, `tell(sentence)` what became of it. */
  constructor({ api, limits, say, tell }) {
    this.#api = api;
    this.#limits = limits;
    this.#say = say;
    this.#tell = tell;
    this.list = el("ul", { class: "fd-files" });
  }

  get count() {
    return this.#files.length;
  }

  /** Takes what somebody chose. What is too large or of a wrong kind is refused here: no byte of it is sent anywhere. */
  async add(chosen) {
    const [taken, refused] = [[], []];
    for (const file of chosen) {
      const problem = this.#refusal(file, [...this.#files, ...taken]);
      if (problem) refused.push(problem);
      else taken.push(this.#entry(file));
    }
    this.#say(refused.length > 0 ? { ...refused[0], error: refused.map(({ error }) => error).join(" ") } : null);
    if (taken.length === 0) return;
    this.#files.push(...taken);
    this.list.append(...taken.map((entry) => entry.item));
    const bringing = this.#bring(taken);
    for (const entry of taken) entry.uploading = bringing;
    await bringing;
  }

  /** Waits for what is under way. */
  async settled() {
    await Promise.all(this.#files.map((entry) => entry.uploading));
  }

  /** The files' tokens, for the message; null while one of them is not there. */
  async tokens() {
    await this.settled();
    const aged = this.#files.filter((entry) => entry.token && Date.now() > entry.goodUntilMs);
    await Promise.all(aged.map((entry) => this.#upload(entry)));
    return this.#files.every((entry) => entry.token) ? this.#files.map((entry) => entry.token) : null;
  }

  /** Lets every file be uploaded anew: the front desk does not have them any more. */
  expire() {
    for (const entry of this.#files) this.#failed(entry, words.file.failed);
  }

  clear() {
    for (const entry of [...this.#files]) this.#forget(entry);
    this.#say(null);
    this.#tell("");
  }

  #refusal(file, before) {
    const { attachments_max, attachment_bytes_max, attachments_in_sum, attachment_types } = this.#limits;
    const refused = (error, code = TOO_LARGE) => ({ code, error });
    const sum = before.reduce((bytes, entry) => bytes + entry.file.size, file.size);
    if (before.length >= attachments_max) return refused(words.file.tooMany(attachments_max));
    if (file.size > attachment_bytes_max) return refused(words.file.tooLarge(file.name, file.size, attachment_bytes_max));
    if (file.size === 0) return refused(words.file.empty(file.name));
    if (!attachment_types.includes(typeOf(file))) return refused(words.file.wrongType(file.name), WRONG_TYPE);
    if (attachments_in_sum && sum > attachment_bytes_max) return refused(words.file.tooLargeTogether(sum, attachment_bytes_max));
    return null;
  }

  async #bring(taken) {
    const answer = await this.#api.check({ attachments: this.#files.map(({ file }) => described(file)) });
    if (!answer.ok && isFinal(answer)) {
      // The front desk has the last word.
      taken.forEach((entry) => this.#forget(entry));
      this.#say(problems(answer)[0] ?? { error: words.file.noAnswer });
      return;
    }
    for (const entry of taken) if (this.#files.includes(entry)) await this.#upload(entry);
  }

  #entry(file) {
    const entry = { file, token: null, goodUntilMs: 0, request: null, uploading: Promise.resolve() };
    entry.bar = el("progress", { max: 100, value: 0, "aria-label": file.name });
    entry.state = el("span", { class: "fd-file-state" }, words.file.waiting);
    entry.again = el("button", { type: "button", class: "fd-quiet", hidden: true, onclick: () => this.#upload(entry) });
    fill(entry.again, words.form.tryAgain);
    entry.again.setAttribute("aria-label", words.file.again(file.name));
    const remove = el("button", {
      type: "button",
      class: "fd-quiet",
      "aria-label": words.file.remove(file.name),
      onclick: () => this.#remove(entry),
    });
    const name = el("span", { class: "fd-file-name" }, file.name);
    const about = el("span", { class: "fd-file-size" }, size(file.size));
    entry.item = el("li", { class: "fd-file" }, name, about, entry.state, entry.bar, entry.again, fill(remove, words.file.removeShort));
    return entry;
  }

  #upload(entry) {
    entry.uploading = this.#putToPlace(entry);
    return entry.uploading;
  }

  async #putToPlace(entry) {
    entry.token = null;
    entry.again.hidden = true;
    entry.bar.hidden = false;
    fill(entry.state, words.file.waiting);
    const asked = await this.#api.upload(described(entry.file));
    if (!this.#files.includes(entry)) return;
    if (!asked.ok) {
      this.#failed(entry, problems(asked)[0]?.error ?? words.file.noAnswer);
      return;
    }
    const put = await this.#put(entry, asked.body.upload);
    if (!this.#files.includes(entry)) return;
    if (!put) {
      this.#failed(entry, words.file.noAnswer);
      return;
    }
    entry.token = asked.body.attachment;
    // Anew it would have another token, so as late as can be: a message that is tried again is to be the same one.
    entry.goodUntilMs = Date.now() + (asked.body.attachment_expires_in_seconds - MARGIN_S) * 1000;
    entry.bar.hidden = true;
    fill(entry.state, words.file.ready);
    this.#tell(words.file.isReady(entry.file.name));
  }

  /** XMLHttpRequest, because `fetch` cannot say how much of an upload has arrived. */
  #put(entry, { url, method, headers }) {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      entry.request = request;
      request.open(method, url);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded, total }) => {
        const percent = Math.round((100 * loaded) / Math.max(1, total));
        entry.bar.value = percent;
        fill(entry.state, words.file.uploading(percent));
      };
      request.onload = () => resolve(request.status >= 200 && request.status < 300);
      request.onerror = () => resolve(false);
      request.onabort = () => resolve(false);
      request.send(entry.file);
    });
  }

  #failed(entry, error) {
    entry.token = null;
    entry.bar.hidden = true;
    entry.again.hidden = false;
    fill(entry.state, words.file.failed);
    this.#say({ error });
  }

  #remove(entry) {
    // Where the focus goes must not be lost with the button.
    const next = entry.item.nextElementSibling ?? entry.item.previousElementSibling;
    this.#forget(entry);
    this.#say(null);
    this.#tell(words.file.removed(entry.file.name));
    const input = this.list.closest(".fd-field")?.querySelector("input[type=file]");
    (next?.querySelector("button:last-of-type") ?? input)?.focus();
  }

  #forget(entry) {
    this.#files = this.#files.filter((other) => other !== entry);
    entry.request?.abort();
    entry.item.remove();
  }
}

function described(file) {
  return { name: file.name, size: file.size, type: typeOf(file) };
}

function typeOf(file) {
  return file.type.toLowerCase() || BY_ENDING[file.name.split(".").pop().toLowerCase()] || "";
}
