"""The assistant with a model behind it, and what models do: they look at pictures, search, think aloud, refuse, dawdle,
and run out of money. And what Chatwoot does to it: samples with their ends, a pause, somebody who takes over.

    demo_models.py                       each kind of model once: openai, compatible, anthropic
    demo_models.py --provider openai     only this one

It has a stack of its own, whatever else runs, because what thinks is a setting. Chatwoot sends each webhook twice, as a
bot's and as the account's. It ends with 0 only if every message was answered once, every model was asked as little as
that takes, nothing of ours came back as a question, and no token left for where a file lay.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from assistant import ACCOUNT, OPEN, SAMPLES, Event, Hall, Talk, sample
from chats import Visitor
from desk import KEYWORD, LOCATION, word
from progress import StackError
from running import STACK, RunningStack, stack_of_its_own
from stage import Case, Ledger, Stage, Story
from timeline import RED, Timeline

# Each with a model that the stand-ins know.
PROVIDERS = {"openai": "gpt-6.1-terra", "compatible": "local-model", "anthropic": "claude-sonnet-5-5"}
BREAKER_S = 10
BUDGET_S = 5
# Chatwoot does not say for how long it wants to be left alone.
PAUSE_S = 3
SETTINGS = {
    "AGENT_BREAKER_SECONDS": str(BREAKER_S),
    "AGENT_BUDGET_SECONDS": str(BUDGET_S),
    "FRONTDESK_RETRY_AFTER_DEFAULT_SECONDS": str(PAUSE_S),
    "FRONTDESK_SWEEP_AFTER_SECONDS": "4",
    "CHATWOOT_DEBOUNCE_SECONDS": "1",
    "CHATWOOT_TRANSCRIPT_NOTE": "true",
}

# A picture.
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
CANNOT_OPEN = "I cannot open what you sent"
HAND_OFF = "I am passing you on to one of our team"
MONEY_GONE = {"openai": "openai_money_gone", "compatible": "openai_money_gone", "anthropic": "anthropic_money_gone"}
NOBODYS_ID = 990_000_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--provider", action="append", choices=list(PROVIDERS), help="may be given again; default all")
    parser.add_argument("--whole-workspace", action="store_true", help="see stack.py up --help")
    options = parser.parse_args()
    first, *others = options.provider or list(PROVIDERS)
    timeline = Timeline()
    try:
        with stack_of_its_own("demo-models", _settings(first), whole_workspace=options.whole_workspace) as stack:
            good = demonstrate(stack, timeline, first, thorough=True)
            for provider in others:
                _change(stack, _settings(provider), whole_workspace=options.whole_workspace)
                good = demonstrate(stack, timeline, provider, thorough=False) and good
            if not good:
                raise StackError("not everything ended as it should")
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _settings(provider: str) -> dict[str, str]:
    return SETTINGS | {"AGENT_PROVIDER": provider, "AGENT_MODEL": PROVIDERS[provider]}


def _change(stack: RunningStack, settings: dict[str, str], *, whole_workspace: bool) -> None:
    """Lets the stack that runs have other settings."""
    up = [*STACK, "up", "--detach", "--quiet", "--state-dir", stack.described["state_dir"]]
    up += [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    up += ["--whole-workspace"] if whole_workspace else []
    if subprocess.run(up, stdout=sys.stderr, check=False).returncode != 0:
        raise StackError("`stack.py up` failed; its messages are above")


def demonstrate(stack: RunningStack, timeline: Timeline, provider: str, *, thorough: bool) -> bool:
    """Plays what there is to see of a provider; thorough: also what is the same for all of them."""
    hall = Hall(stack)
    together = cases() + (of_chatwoot() if thorough else [])
    alone = one_by_one(provider, thorough=thorough)
    timeline.say(f"\n{len(together) + len(alone)} cases of chats with a model ({provider})\n")
    with hall.webhooks():
        stage = Stage(stack, Ledger(stack), timeline, ("sweep",))
        good = stage.play(together, hall)
        # A script is for the next question, whoever asks it.
        for case in alone:
            good = stage.play([case], hall) and good
    timeline.say()
    wrong = list(problems(hall))
    for problem in wrong:
        timeline.say(f"{timeline.mark(False)} {timeline.coloured(problem, RED)}")
    if not wrong:
        holds = "nothing of ours was taken for a customer's, no mark stands twice, no token left"
        timeline.say(f"{timeline.mark(True)} {holds}")
    return good and not wrong


# ---- What follows from a model


def cases() -> list[Case]:
    return [
        Case("words", "answered; repeated; asked once", says("What is the meaning of life?")),
        Case("a picture", "answered; 1 image seen, its bytes; asked once", shows_a_picture),
        Case("a search", "answered; 5 products found, cards; asked 2 times", searches),
        Case("options", "answered; 2 options; then answered: First option (first)", chooses),
        Case("a person, please", "handed_over; team 5, noted, open", wants_a_person),
        Case("it takes too long", "handed_over; team 5, noted, open", dawdles),
        Case("what would be Liquid", "answered; shown as it was typed", types_liquid),
    ]


def one_by_one(provider: str, *, thorough: bool) -> list[Case]:
    # This one has to be quick.
    taken_over = Case("somebody takes over while it thinks", "left_to_people; no answer", is_taken_over)
    return [
        *([taken_over] if thorough else []),
        Case("it thinks aloud, and then searches", "answered; cards; its thought is not shown", thinks),
        Case("it refuses", "handed_over; team 5, noted, open", script({"refuse": True})),
        Case("no answer of the agreed form", "answered; in the end: Agreed.", misspells),
        Case("its money is gone", "handed_over, handed_over; asked once; then answered", runs_out_of_money(provider)),
    ]


def says(words: str) -> Callable[[Hall], Story]:
    def story(hall: Hall) -> Story:
        talk, mark = hall.talk(), f"M{time.time_ns()}"
        talk.says(f"{words} {mark}")
        end = yield from talk.ended()
        said = f"You said: {words} {mark}"
        return f"{end}; {'repeated' if said in talk.words() else talk.words()}; {_asked(hall, mark)}"

    return story


def shows_a_picture(hall: Hall) -> Story:
    talk, mark = hall.talk(), f"M{time.time_ns()}"
    talk.says(f"What is this? {mark}", attachments=[_picture("thing.png", late_404=1)])
    end = yield from talk.ended()
    seen = "1 image seen" if "(with 1 images)" in talk.words() else talk.words()
    questions = _questions(hall, mark)
    there = "its bytes" if any(PIXEL in json.dumps(each["body"]) for each in questions) else "not its bytes"
    return f"{end}; {seen}, {there}; {_asked(hall, mark)}"


def searches(hall: Hall) -> Story:
    talk = hall.talk()
    before = _times_asked(hall, "lamp")
    talk.says("lamp")
    end = yield from talk.ended()
    number = next((int(word) for word in talk.words().split("I found ")[-1].split() if word.isdigit()), 0)
    cards = [message for message in talk.answers() if message["content_type"] == "cards"]
    asked = _times_asked(hall, "lamp") - before
    return f"{end}; {number} products found, {'cards' if cards else talk.words()}; asked {asked} times"


def _times_asked(hall: Hall, words: str) -> int:
    return sum(each.get("last_customer_text") == words for each in hall.control("GET", "/ai/asked")["asked"])


def chooses(hall: Hall) -> Story:
    talk = hall.talk()
    talk.says("Which options are there?")
    end = yield from talk.ended()
    asked = [message for message in talk.answers() if message["content_type"] == "input_select"]
    if len(asked) != 1:
        return f"{end}; {talk.words()}"
    options = asked[0]["content_attributes"]["items"]
    talk.clicks(asked[0]["id"], "first")
    then = yield from talk.ended()
    last = str(talk.answers()[-1]["content"]).removeprefix("You said: ")
    return f"{end}; {len(options)} options; then {then.removeprefix(end + ', ')}: {last}"


def wants_a_person(hall: Hall) -> Story:
    talk = hall.talk()
    talk.says("A human, please")
    end = yield from talk.ended()
    return f"{end}; {_hands(talk)}"


def dawdles(hall: Hall) -> Story:
    talk, mark = hall.talk(), f"M{time.time_ns()}"
    hall.faults.append(_fault(hall, mark, {"delay_ms": (BUDGET_S + 3) * 1000, "close_before_acting": True}, 5))
    talk.says(f"Slowly {mark}")
    end = yield from talk.ended()
    return f"{end}; {_hands(talk)}"


def types_liquid(hall: Hall) -> Story:
    talk = hall.talk()
    talk.says("{{contact.email}} {% if true %}x{% endif %} {{ conversation.id }}")
    end = yield from talk.ended()
    words = talk.words().replace(" ", "")
    typed = "{{contact.email}}{%iftrue%}x{%endif%}{{conversation.id}}" in words and "@" not in words
    return f"{end}; {'shown as it was typed' if typed else talk.words()}"


def thinks(hall: Hall) -> Story:
    talk = hall.talk()
    found = {"name": "search_products", "arguments": {"query": "lamp", "in_stock": False, "price_max": None}}
    reply = {"text": "Look:", "product_ids": ["101", "103"]}
    _script(hall, {"tool_call": found, "thinking": True}, {"reply": reply, "thinking": True})
    talk.says("Something for my desk")
    end = yield from talk.ended()
    cards = [message for message in talk.answers() if message["content_type"] == "cards"]
    shown = "cards" if cards and len(cards[0]["content_attributes"]["items"]) == 2 else talk.words()
    aloud = "think" in talk.words().lower().replace("thinking about", "")
    return f"{end}; {shown}; its thought is {'shown' if aloud else 'not shown'}"


def script(*steps: dict[str, Any]) -> Callable[[Hall], Story]:
    def story(hall: Hall) -> Story:
        talk = hall.talk()
        _script(hall, *steps)
        talk.says("Say what you like")
        end = yield from talk.ended()
        return f"{end}; {_hands(talk)}"

    return story


def misspells(hall: Hall) -> Story:
    """It is told what is wrong, and says it again."""
    talk = hall.talk()
    _script(hall, {"invalid_json": True}, {"reply": {"text": "Agreed."}})
    talk.says("Say what you like")
    end = yield from talk.ended()
    _script(hall)
    last = str(talk.answers()[-1]["content"]).rpartition("\n")[2] if talk.answers() else "nothing"
    return f"{end}; in the end: {last}"


def runs_out_of_money(provider: str) -> Callable[[Hall], Story]:
    """Once is enough to know it: for a while nobody asks, and people answer. Then it is tried again."""

    def story(hall: Hall) -> Story:
        talks, mark = [hall.talk() for _ in range(2)], f"M{time.time_ns()}"
        fault = _fault(hall, mark, {"canned": MONEY_GONE[provider]}, "forever")
        ends = []
        for talk in talks:
            talk.says(f"Anybody? {mark}")
            ends.append((yield from talk.ended()))
        [calls] = [one["fired"] for one in hall.control("GET", "/faults")["faults"] if one["id"] == fault]
        hall.stack.remove_fault(fault)
        later = time.monotonic() + BREAKER_S + 1
        yield from hall.until(lambda: time.monotonic() > later)
        talk = hall.talk()
        talk.says("And now?")
        end = yield from talk.ended()
        return f"{', '.join(ends)}; {'asked once' if calls == 1 else f'asked {calls} times'}; then {end}"

    return story


# ---- What follows from Chatwoot


def of_chatwoot() -> list[Case]:
    ends = {
        "message_created.incoming_text.json": "accepted; answered",
        "message_created.incoming_image.json": "accepted; answered, 1 image seen",
        "message_created.incoming_audio.json": "accepted; answered, transcript noted",
        "message_created.attachment_without_mime_pre_4_13.json": "accepted; answered, transcript noted",
        "message_updated.audio_transcribed_by_chatwoot.json": "accepted; answered, transcript noted",
        "message_updated.input_select_answered.json": "accepted; answered",
    }
    return [
        *(Case(file.removesuffix(".json"), end, happens_now(file)) for file, end in ends.items()),
        Case("as they were sent, with their old signatures", "401, 401, 401; no row", old_signatures),
        Case("a file that leads elsewhere", f"answered; told; {CANNOT_OPEN}; not followed", leads_elsewhere),
        Case("nothing but a file that leads elsewhere", f"answered; told; {CANNOT_OPEN}; not followed", only_elsewhere),
        Case("Chatwoot wants to be left alone", "answered; 2 attempts, after its time, 1 answer", is_throttled),
        Case("STOP, and a webchat of Podium's", "opted_out; out by chatwoot; there kept_for_staff, silent", stops),
        Case("a burst, told backwards", "1 answer to all 3", burst),
    ]


def happens_now(file: str) -> Callable[[Hall], Story]:
    """A sample as if it had happened a moment ago: ids and files of its own, everything else as it is."""

    def story(hall: Hall) -> Story:
        talk, body = hall.talk(), json.loads(sample(file))
        sent = _as_sent(body)
        message = _quietly(hall, talk, sent)
        if body["message_type"] != "incoming":
            message["message"] += NOBODYS_ID
        text = json.dumps(body).replace(f'"id": {body["id"]}', f'"id": {message["message"]}')
        text = text.replace(f'"message_id": {body["id"]}', f'"message_id": {message["message"]}')
        text = text.replace('"id": 418', f'"id": {talk.number}')
        for old, new in zip(body.get("attachments", []), message["attachments"], strict=True):
            text = text.replace(json.dumps(old["data_url"]), json.dumps(new["data_url"]))
        event = Event(text.encode(), f"chatwoot#{body['event']}-{ACCOUNT}-{message['message']}")
        answer = hall.stack.deliver(event).text
        talk.events.append(event.key)
        end = yield from talk.ended()
        seen = ", 1 image seen" if "(with 1 images)" in talk.words() else ""
        noted = ", transcript noted" if any("Transcript" in note for note in talk.notes()) else ""
        return f"{answer}; {end}{seen}{noted}"

    return story


def _as_sent(body: dict[str, Any]) -> list[dict[str, Any]]:
    """What came with a sample, as the customer sent it."""
    usual = {"image": ("image/jpeg", "picture.jpg"), "audio": ("audio/ogg", "voice.ogg")}
    kinds = [usual[each["file_type"]] for each in body.get("attachments", [])]
    return [{"content_type": mime, "name": name, "base64": PIXEL} for mime, name in kinds]


def _quietly(hall: Hall, talk: Talk, sent: list[dict[str, Any]]) -> dict[str, Any]:
    """Something that a customer wrote, of which Chatwoot tells nobody."""
    said = {"conversation": talk.number, "channel": talk.channel, "text": None if sent else "x", "quiet": True}
    return dict(hall.control("POST", "/chatwoot/inbound", said | {"attachments": sent}))


def old_signatures(hall: Hall) -> Story:
    vectors = json.loads((SAMPLES / "signature_vectors.json").read_text(encoding="utf-8"))["vectors"]
    heard, keys = [], []
    for vector in vectors:
        body = (SAMPLES / vector["body_file"]).read_bytes()
        read = json.loads(body)
        keys.append(f"chatwoot#{read['event']}-{ACCOUNT}-{read['id']}")
        heard.append(str(hall.stack.deliver(_Recorded(body, vector["headers"])).status))
    yield
    # The stand-in may have given the same ids to others, but in no such conversation.
    rows = [row for row in hall.stack.events(keys).values() if b'"conversation":418' in row["body_bytes"].value]
    return f"{', '.join(heard)}; {'a row' if rows else 'no row'}"


class _Recorded:
    """A delivery with the headers that it came with."""

    path, secret, keys = Event.path, Event.secret, ()

    def __init__(self, body: bytes, headers: dict[str, str]) -> None:
        self.body = body
        self._headers = headers

    def headers(self, shop: str, secret: str) -> dict[str, str]:
        del shop, secret
        return self._headers


def leads_elsewhere(hall: Hall) -> Story:
    return (yield from _elsewhere(hall, "Look at this"))


def only_elsewhere(hall: Hall) -> Story:
    return (yield from _elsewhere(hall, None))


def _elsewhere(hall: Hall, text: str | None) -> Story:
    """The same machine by another name: had it been followed, it would be known."""
    talk, mark = hall.talk(), f"M{time.time_ns()}"
    port = hall.stack.described["ports"]["stand_ins"]
    elsewhere = f"http://localhost:{port}/chatwoot/rails/active_storage/disk/{mark}/x.png"
    talk.says(text, attachments=[_picture("x.png", redirect_to=elsewhere)])
    end = yield from talk.ended()
    told = "told" if CANNOT_OPEN in talk.words() else talk.words()
    calls = [call for call in hall.control("GET", "/chatwoot/media")["calls"] if mark in call["path"]]
    return f"{end}; {told}; {CANNOT_OPEN if told == 'told' else ''}; {'followed' if calls else 'not followed'}"


def is_taken_over(hall: Hall) -> Story:
    talk, mark = hall.talk(), f"M{time.time_ns()}"
    hall.faults.append(_fault(hall, mark, {"delay_ms": 2500}))
    talk.says(f"Is anybody there? {mark}")
    yield from hall.until(lambda: hall.stack.fault_fired(hall.faults[-1]))
    change = {"assign": {"agent": 12}, "status": "open"}
    hall.control("PUT", f"/chatwoot/conversations/{ACCOUNT}/{talk.number}", change)
    end = yield from talk.ended()
    yield from hall.a_while()
    return f"{end}; {talk.words() or 'no answer'}"


def is_throttled(hall: Hall) -> Story:
    talk = hall.talk()
    hall.fails(talk, [{"canned": "chatwoot_rate_limited"}])
    talk.says("Hello there")
    end = yield from talk.ended()
    yield from hall.a_while()
    path = f"/conversations/{talk.number}/messages"
    posts = [c for c in hall.stack.provider_calls("chatwoot", method="POST") if c["path"].endswith(path)]
    waited_s = (posts[-1]["at_ms"] - posts[0]["at_ms"]) / 1000
    when = "after its time" if waited_s >= PAUSE_S else f"after {waited_s:.1f} s"
    return f"{end}; {len(posts)} attempts, {when}, {_count(talk)}"


def stops(hall: Hall) -> Story:
    """Whatever else is sent to this number asks the same row."""
    phone = hall.number()
    talk = hall.talk("Channel::Whatsapp", phone)
    talk.says("STOP")
    end = yield from talk.ended()
    row = hall.stack.contacts([phone])[phone]
    out = f"{row[KEYWORD]} by {row[f'{KEYWORD}_evidence']['source']}"
    chat = Visitor(phone, LOCATION, "Ann Example", f"c-{phone[1:]}").chats("Hello")
    hall.stack.deliver(chat)
    [key] = chat.keys
    yield from hall.until(lambda: hall.stack.events([key])[key]["st"] not in OPEN)
    there = word(hall.stack.events([key])[key])
    texts = [text for text in hall.stack.ledger() if text["phone"] == phone]
    return f"{end}; {out}; there {there}, {'written to' if texts else 'silent'}"


def burst(hall: Hall) -> Story:
    """Deliveries come in any order."""
    talk, mark = hall.talk(), f"M{time.time_ns()}"
    for kind in ("bot", "account"):
        hall.control("PUT", f"/chatwoot/webhooks/{kind}", {"parallel": True})
    parts = [f"{mark} part {number}" for number in range(3)]
    _, before = yield from talk.at_once(parts, hall.debounce_s() / 2)
    yield from hall.a_while()
    words = " | ".join(str(message["content"]) for message in talk.answers()[before:])
    said = [number for number in range(3) if f"part {number}" in words]
    return f"{_count(talk, before)} to all {len(said)}"


# ---- What holds for all of them


def problems(hall: Hall) -> Iterator[str]:
    """Everything that must never be, whatever was told."""
    conversations = hall.control("GET", "/chatwoot/conversations")["conversations"]
    ours = [message for talk in conversations for message in talk["messages"] if _mark(message)]
    marks = Counter(_mark(message) for message in ours)
    yield from (f"the mark {mark} stands {times} times" for mark, times in marks.items() if times > 1)
    keys = [f"chatwoot#message_created-{ACCOUNT}-{message['id']}" for message in ours]
    rows = {}
    for start in range(0, len(keys), 100):
        rows |= hall.stack.events(keys[start : start + 100])
    yield from (f"what we posted was taken for a customer's: {key}" for key in rows)
    for call in hall.control("GET", "/chatwoot/media")["calls"]:
        names = {name.lower() for name in call["headers"]}
        if names & {"api_access_token", "authorization"}:
            yield f"a token went to where a file lies: {call['path']}"
    told = [hook for hook in hall.stack.podiums_webhooks() if hook["hook"] in ("bot", "account")]
    if refused := [hook for hook in told if hook["status"] != 200]:
        yield f"{len(refused)} of {len(told)} webhooks were not taken, such as {refused[0]['event_type']}"
    if not any(str(message["id"]) in hook["body"] for message in ours[:1] for hook in told):
        yield "Chatwoot did not tell of what we posted, so nothing is shown"
    depths = hall.stack.queue_depths().items()
    if left := {name: depth for name, depth in depths if depth and "chatwoot" in name.lower()}:
        yield f"still in queues: {left}"


def _mark(message: dict[str, Any]) -> str | None:
    mark = message["content_attributes"].get("frontdesk")
    return str(mark) if mark else None


def _count(talk: Talk, before: int = 0) -> str:
    count = sum(_mark(message) is not None for message in talk.answers()[before:])
    return f"{count} answer" if count == 1 else f"{count} answers"


def _hands(talk: Talk) -> str:
    """In whose hands a conversation is, and what they were told."""
    seen = talk.seen()
    words = "" if HAND_OFF in talk.words() or "You said" in talk.words() else f"said {talk.words()!r}, "
    noted = "noted" if any("Handed over" in note for note in talk.notes()) else "not noted"
    return f"{words}team {seen['team_id']}, {noted}, {seen['status']}"


def _questions(hall: Hall, mark: str) -> list[dict[str, Any]]:
    asked = hall.control("GET", "/ai/asked")["asked"]
    return [each for each in asked if mark in str(each.get("last_customer_text", ""))]


def _asked(hall: Hall, mark: str) -> str:
    times = len(_questions(hall, mark))
    return "asked once" if times == 1 else f"asked {times} times"


def _picture(name: str, **how: Any) -> dict[str, Any]:
    return {"file_type": "image", "content_type": "image/png", "name": name, "base64": PIXEL, **how}


def _fault(hall: Hall, mark: str, action: dict[str, Any], times: int | str = 1) -> int:
    """What becomes of questions to a model that hold this."""
    return hall.stack.add_fault({"match": {"provider": "ai", "contains": mark}, "times": times, "action": action})


def _script(hall: Hall, *steps: dict[str, Any]) -> None:
    hall.control("PUT", "/ai", {"script": list(steps)})


if __name__ == "__main__":
    sys.exit(main())
