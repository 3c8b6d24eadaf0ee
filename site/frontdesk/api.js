// The shop's front desk over HTTP. Every method resolves to an answer and never rejects:
//   { status, ok, body, retryAfterS }   status 0: nobody answered, or the browser was not allowed to read it.

const PATIENCE_MS = 45_000; // The gateway gives up after 30 s.
const CSRF_REFUSED = "Invalid CSRF token";

/** Whether it is settled what became of a request: taken, or refused for what it says. Otherwise it may be sent again. */
export function isFinal(answer) {
  return answer.ok || (answer.status >= 400 && answer.status < 500 && answer.status !== 429);
}

/** What is wrong, one by one: { code, field, error }. */
export function problems(answer) {
  const listed = Array.isArray(answer.body.problems) ? answer.body.problems : [];
  const named = listed.length > 0 ? listed : [answer.body];
  return named.filter((problem) => problem && typeof problem.error === "string");
}

export class Api {
  #base;
  #csrf = null;
  #loading = null;

  /** `base` is the address of the front desk, such as https://frontdesk.example. */
  constructor(base) {
    this.#base = String(base).replace(/\/+$/, "");
  }

  /** What the form needs to know: limits, stores, countries, opening hours. Asked for once, however many ask. */
  config() {
    this.#loading ??= this.#loadConfig();
    return this.#loading;
  }

  /** Whether these would be taken: phone, country, location_uid, text, attachments; only what is given is looked at. */
  check(parts) {
    return this.#post("/webchat/check", parts);
  }

  /** A place for one file to be put to. */
  upload({ name, size, type }) {
    return this.#post("/webchat/uploads", { name, size, type });
  }

  /** A message to a store. With the same `message_id` it is the same message, however often it is sent. */
  message(message) {
    return this.#post("/webchat/messages", message);
  }

  /** A question to the assistant. */
  chat(prompt, session_id) {
    return this.#post("/chat", { prompt, session_id });
  }

  /** A filled-in form, to the address that came with it. The address itself proves where it comes from. */
  submit(address, values) {
    return call("POST", address, values);
  }

  async #loadConfig() {
    const answer = await call("GET", `${this.#base}/webchat/config`);
    if (answer.ok) this.#csrf = answer.body.csrf_token || null;
    else this.#loading = null;
    return answer;
  }

  async #post(path, body) {
    const answer = await this.#send(path, body);
    if (answer.status !== 403 || answer.body.error !== CSRF_REFUSED) return answer;
    // A page that was open for hours has a token that counts no more.
    this.#loading = null;
    const renewed = await this.config();
    return renewed.ok ? this.#send(path, body) : answer;
  }

  #send(path, body) {
    return call("POST", this.#base + path, body, this.#csrf ? { "X-CSRF-Token": this.#csrf } : {});
  }
}

async function call(method, address, body, headers = {}) {
  const request = { method, headers: { ...headers }, credentials: "omit", cache: "no-store" };
  if (body !== undefined) {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  try {
    const response = await fetch(address, { ...request, signal: AbortSignal.timeout(PATIENCE_MS) });
    const read = await response.json().catch(() => null);
    return {
      status: response.status,
      // An answer that is no JSON is no answer of ours.
      ok: response.ok && isObject(read),
      body: isObject(read) ? read : {},
      retryAfterS: seconds(response.headers.get("Retry-After")),
    };
  } catch {
    return { status: 0, ok: false, body: {}, retryAfterS: null };
  }
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Retry-After is a number of seconds, or a date. */
function seconds(header) {
  if (!header) return null;
  const number = Number(header);
  const wait = Number.isFinite(number) ? number : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(wait) ? Math.max(0, wait) : null;
}
