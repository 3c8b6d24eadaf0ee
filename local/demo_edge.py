"""What the shop's own form asks and sends, request by request: checks field by field, files put beside the front desk, and
what becomes of messages.
"""

from __future__ import annotations

import json
from typing import Any

from demo_wire import MIB, PNG, name, told
from desk import KEYWORD
from stage import Case, Story
from web import CHECK, LOCATION, MESSAGES, UPLOADS, Body, Reply, Website, mark, request


def cases() -> list[Case]:
    return [
        Case("what the form needs to know", "complete; three stores, none is the default", told(configured)),
        Case("a phone as it is typed", "+61412345678; +14155552671; ERR_WEBCHAT_001, needs +", told(phones)),
        Case("a store", "ok; ERR_WEBCHAT_003; ERR_WEBCHAT_002, 002", told(stores)),
        Case("files", "ok; 413 ERR_WEBCHAT_005; 400 ERR_WEBCHAT_015", told(files)),
        Case("all problems at once", "phone, location_uid, attachments", told(problems)),
        Case("a place for a file", "put; another length, type, no leave refused; 413 over the limit", told(places)),
        Case("a message", "202 accepted; ingested; shown at Podium once", message_arrives),
        Case("a message with a picture", "202 accepted; ingested; the picture opens", picture_arrives),
        Case("a message sent twice", "202 accepted, 202 duplicate; ingested; shown at Podium once", repeated_message),
        Case("a message to no store", "400 ERR_WEBCHAT_002; no row", told(message_to_nobody)),
        Case("somebody who opted out", "451 ERR_WEBCHAT_009; kept_for_staff; no text", opted_out),
        Case("STOP in the form", "200 opted_out; out by widget at once", told(stops)),
        Case("health", "ok; ready: it says how each part is, and no secret", told(healthy)),
    ]


# ---- What our own page asks


def configured(site: Website) -> str:
    config = site.config()
    limits, stores = config["limits"], config["locations"]
    complete = (
        limits["attachment_bytes_max"] == 25 * MIB
        and limits["attachments_max"] >= 1
        and "image/png" in limits["attachment_types"]
        and limits["text_chars_max"] > 0
        and limits["name_chars_max"] > 0
        and all(set(store) == {"uid", "name", "country"} for store in stores)
        and {"AU", "US"} <= {each["code"] for each in config["countries"]}
        and "hours" in config
        and config["uploads"] is True
        and config["csrf_expires_in_seconds"] > 0
        and config["contact_form"]["submit_url"].startswith("http")
        and config["contact_form"]["form"]["fields"]
    )
    known = {place["podium_location"] for place in site.stack.locations} <= {store["uid"] for store in stores}
    default = "default" in json.dumps(config)
    three = "three stores" if known else f"stores {[store['uid'] for store in stores]}"
    return f"{'complete' if complete else config}; {three}, {'one' if default else 'none'} is the default"


def checked(site: Website, **parts: Any) -> Reply:
    return site.post(CHECK, parts)


def code(reply: Reply) -> str:
    return str(reply.json.get("code", reply))


def phones(site: Website) -> str:
    australian = checked(site, phone="0412 345 678", location_uid="loc_sydney")
    american = checked(site, phone="(415) 555-2671", country="US")
    nowhere = checked(site, phone="0412 345 678")
    read = [str((reply.json.get("phone") or {}).get("e164", reply)) for reply in (australian, american)]
    needs = "needs +" if nowhere.status == 400 and "+" in nowhere.error else str(nowhere)
    return f"{'; '.join(read)}; {code(nowhere)}, {needs}"


def stores(site: Website) -> str:
    known, unknown = checked(site, location_uid=LOCATION), checked(site, location_uid="loc_nowhere")
    missing = [code(checked(site, location_uid=uid)) for uid in ("", None)]
    both = ", ".join([missing[0], *(each.removeprefix("ERR_WEBCHAT_") for each in missing[1:])])
    return f"{'ok' if known.json.get('ok') is True else known}; {code(unknown)}; {both}"


def files(site: Website) -> str:
    def sized(size: int, kind: str = "image/png") -> Reply:
        return checked(site, attachments=[{"name": "a.png", "size": size, "type": kind}])

    fits, over, odd = sized(25 * MIB), sized(26 * MIB), sized(100, "application/x-msdownload")
    return f"{'ok' if fits.json.get('ok') is True else fits}; {over.status} {code(over)}; {odd.status} {code(odd)}"


def problems(site: Website) -> str:
    large = [{"name": "a.png", "size": 26 * MIB, "type": "image/png"}]
    reply = checked(site, phone="12", location_uid="loc_nowhere", attachments=large)
    found = {problem["field"]: problem for problem in reply.json.get("problems", [])}
    complete = all(problem["code"] and problem["name"] and problem["error"] for problem in found.values())
    named = ", ".join(field for field in ("phone", "location_uid", "attachments") if field in found)
    return named if reply.status == 400 and complete else str(reply)


def places(site: Website) -> str:
    """The address is good for the one file that it was asked for."""
    offered = upload_of(site, "lamp.png", len(PNG)).json["upload"]
    headers = dict(offered["headers"])
    refused = {
        "length": request("PUT", offered["url"], PNG + b"x", headers),
        "type": request("PUT", offered["url"], PNG, headers | {"content-type": "text/html"}),
        "leave": request("PUT", offered["url"].split("?")[0], PNG, headers),
    }
    put = request(offered["method"], offered["url"], PNG, headers)
    over = upload_of(site, "large.png", 26 * MIB)
    taken = [what for what, reply in refused.items() if reply.status < 400]
    rest = "another length, type, no leave refused" if not taken else f"taken: {taken}"
    return f"{'put' if put.status == 200 else put}; {rest}; {over.status} over the limit"


def upload_of(site: Website, file: str, size: int, kind: str = "image/png") -> Reply:
    return site.post(UPLOADS, {"name": file, "size": size, "type": kind})


# ---- Messages


def written(site: Website, phone: str, text: str, **fields: Any) -> Body:
    usual = {"message_id": name(), "name": "Mia Example", "phone": site.local(phone), "location_uid": LOCATION}
    return usual | {"text": text, **fields}


def took(reply: Reply) -> str:
    return f"{reply.status} {reply.json.get('status', reply.error)}"


def once_at_podium(site: Website, phone: str, words: str) -> str:
    shown = [message for message in site.shown(phone) if words in str(message["body"])]
    right = [message for message in shown if message["imported"] and message["direction"] == "inbound"]
    times = {0: "never", 1: "once"}.get(len(shown), f"{len(shown)} times")
    return f"shown at Podium {times}" if len(right) == len(shown) else f"shown as {shown}"


def message_arrives(site: Website) -> Story:
    phone, words = site.number(), mark()
    reply = site.post(MESSAGES, written(site, phone, f"Is the lamp still there? {words}"))
    end = yield from site.became(words)
    yield from site.a_while()
    same = "" if reply.json.get("phone") == phone else f" for {reply.json.get('phone')}"
    return f"{took(reply)}{same}; {end}; {once_at_podium(site, phone, words)}"


def picture_arrives(site: Website) -> Story:
    """The shop's people open it from the message that Podium shows them."""
    phone, words = site.number(), mark()
    asked = upload_of(site, "lamp.png", len(PNG)).json
    request(asked["upload"]["method"], asked["upload"]["url"], PNG, asked["upload"]["headers"])
    message = written(site, phone, f"It came like this {words}", attachments=[asked["attachment"]])
    reply = site.post(MESSAGES, message)
    end = yield from site.became(words)
    yield from site.until(lambda: any(words in str(shown["body"]) for shown in site.shown(phone)))
    [body] = [str(shown["body"]) for shown in site.shown(phone) if words in str(shown["body"])]
    links = [word for word in body.split() if word.startswith("http")]
    led = request("GET", links[0]) if links else None
    if led is None or led.status != 302:
        return f"{took(reply)}; {end}; {led or body}"
    opened = request("GET", led.headers["location"])
    same = opened.status == 200 and opened.text == PNG.decode(errors="replace")
    return f"{took(reply)}; {end}; {'the picture opens' if same else opened}"


def repeated_message(site: Website) -> Story:
    """The answer got lost, so it is sent again: under the same name it is the same message."""
    phone, words = site.number(), mark()
    message = written(site, phone, f"Hello {words}")
    replies = [site.post(MESSAGES, message) for _ in range(2)]
    end = yield from site.became(words)
    yield from site.a_while()
    return f"{', '.join(map(took, replies))}; {end}; {once_at_podium(site, phone, words)}"


def message_to_nobody(site: Website) -> str:
    words = mark()
    reply = site.post(MESSAGES, written(site, site.number(), f"Hello {words}", location_uid=""))
    return f"{reply.status} {code(reply)}; {'a row' if site.has_row(words) else 'no row'}"


def opted_out(site: Website) -> Story:
    """It is kept for people to read; nothing is texted."""
    phone, words = site.number(), mark()
    site.post(MESSAGES, written(site, phone, "STOP"))
    before = len([text for text in site.stack.ledger() if text["phone"] == phone])
    reply = site.post(MESSAGES, written(site, phone, f"Where is my order? {words}"))
    end = yield from site.became(words)
    yield from site.a_while()
    texts = len([text for text in site.stack.ledger() if text["phone"] == phone]) - before
    return f"{reply.status} {code(reply)}; {end}; {'no text' if texts == 0 else f'{texts} texts'}"


def stops(site: Website) -> str:
    phone = site.number()
    reply = site.post(MESSAGES, written(site, phone, "STOP"))
    row = site.stack.contacts([phone]).get(phone, {})
    wish = f"{row[KEYWORD]} by {row[f'{KEYWORD}_evidence']['source']}" if KEYWORD in row else "no wish"
    return f"{took(reply)}; {wish} at once"


def healthy(site: Website) -> str:
    alive, ready = site.ask("GET", "/health", origin=None), site.ask("GET", "/health?ready=1", origin=None)
    secrets = [str(secret["value"]) for secret in site.stack.described["secrets"].values()]
    told = any(secret in ready.text for secret in secrets)
    checks = {check["kind"] for check in ready.json.get("checks", [])}
    complete = {"table", "queue", "dlq", "secret"} <= checks and ready.json.get("status") in ("ok", "attention")
    ok = alive.json.get("status") == "ok" and "timestamp" in alive.json
    state = "it says how each part is" if complete and ready.status == 200 else ready.text
    return f"{'ok' if ok else alive}; ready: {state}, and {'a' if told else 'no'} secret"
