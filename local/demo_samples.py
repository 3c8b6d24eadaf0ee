"""Every sample event at every endpoint, and what has to come of it.

The files go in as they are, with the signatures that were made with them, and then once to each kind of endpoint as if
it had all happened a moment ago to somebody new. So each is judged by itself, and both judgements have to agree.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import chats
from chats import CONTACTS, ENDPOINTS, REVIEWS, SMS, WEBCHAT, Event
from desk import KEYWORD, OPEN, answers, word
from running import Row, RunningStack
from timeline import RED, Timeline

# The people of the samples.
MARA, TOMAS, THIRD, NAMELESS = "+61491570006", "+61491570156", "+61491570157", "+14155550132"
LOCAL = {"0491 570 006": MARA, "0491 570 156": TOMAS, "0491 570 157": THIRD}

BURLEIGH, SYDNEY = "34dc3207-f0e7-5b39-bf15-36b47e50111f", "2402d60a-8fc7-58ed-8992-ee47f110175e"
# Where those who get a number of the United States write to, in place of the samples' locations by name.
AUSTIN = "loc_austin"

MARKETING = "marketing_sms_opt_out"
PATIENCE_S = 60.0
AT_ONCE = 8
SEEDED_BEFORE_S = 86_400.0
AGED_S = 3_600.0


@dataclass(frozen=True)
class Expected:
    """What has to come of a file; by person, where it is about people."""

    # Of each event in the file, in the order in which they stand there.
    outcomes: list[str]
    # The flags that are set: (who, flag) to "out" or "in".
    flags: dict[tuple[str, str], str] = field(default_factory=dict)
    # Whether it is given up only after a while; that is then over.
    in_vain: bool = False
    # Who had opted out the day before.
    opted_out: str | None = None
    # The answers that the session of a person and a location holds.
    answers: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    # Who has exactly one contact at Podium by it.
    contacts: list[str] = field(default_factory=list)

    @property
    def silences(self) -> bool:
        """Whether it is nothing but somebody's wish for no more messages."""
        return "out" in self.flags.values() and "ingested" not in self.outcomes


def _message(who: str) -> Expected:
    return Expected(["ingested"], contacts=[who])


def _webchat(who: str, location: str, answer: str) -> Expected:
    return Expected(["ingested"], answers={(who, location): [answer]}, contacts=[who])


def _rejected(code: str) -> Expected:
    return Expected([f"ERR_WEBCHAT_{code}"])


def _opted_out(who: str, outcome: str = "opted_out", flag: str = KEYWORD) -> Expected:
    return Expected([outcome], flags={(who, flag): "out"})


NOTHING = Expected(["nothing_to_do"])
NOTED = Expected(["noted"])
CONTACT = Expected(["contact_noted"])
NO_PHONE = Expected(["no_phone_channel"])
BAD, NEUTRAL, GOOD = (Expected([f"review_{word}"]) for word in ("escalated", "neutral", "positive"))
LINK = Expected(["link_noted"])
OPENED = Expected(["link_clicked"])
ANSWERED = Expected(["response_noted"])

EXPECTED: dict[str, Expected] = {
    "brief.review.received.1star.json": BAD,
    "brief.review.received.3star.json": NEUTRAL,
    "brief.review.received.5star.json": GOOD,
    "brief.review_invitation.delivered.json": NOTED,
    "brief.review_invitation.failed.carrier.json": NOTED,
    # Nobody here sent that invitation, so nobody can say who it was; its row might still have been on its way.
    "brief.review_invitation.failed.optout.json": Expected(["ERR_WEBCHAT_008"], in_vain=True),
    "brief.webchat.attachment_26mib.json": _rejected("005"),
    "brief.webchat.attachment_bad_size.json": _rejected("005"),
    "brief.webchat.attachments_sum.json": _rejected("005"),
    "brief.webchat.bad_phone.json": _rejected("001"),
    "brief.webchat.batch.json": Expected(
        ["ingested", "ingested", "opted_out", "ingested"],
        flags={(THIRD, KEYWORD): "out"},
        answers={(MARA, "loc_sydney"): ["1", "2", "3"]},
        contacts=[MARA],
    ),
    "brief.webchat.local_phone_no_country.json": _webchat(MARA, "loc_sydney", "hello"),
    "brief.webchat.message.received.json": _webchat(TOMAS, "loc_burleigh", "1"),
    "brief.webchat.no_location.json": _rejected("002"),
    # Somebody who had said STOP on the same page, and takes it back there.
    "brief.webchat.start.json": Expected(
        ["ingested"], flags={(TOMAS, KEYWORD): "in"}, opted_out="webchat", contacts=[TOMAS]
    ),
    "brief.webchat.stop.json": _opted_out(TOMAS),
    "brief.webchat.stop_bad_location.json": _opted_out(THIRD),
    "brief.webchat.unknown_location.json": _opted_out(MARA),
    "published.call.missed.json": NOTHING,
    "published.contact.created.json": CONTACT,
    "published.contact.deleted.json": CONTACT,
    "published.contact.merged.json": Expected(
        ["contact_noted"], flags={(MARA, KEYWORD): "out", (TOMAS, KEYWORD): "out"}
    ),
    "published.contact.unchanged.json": CONTACT,
    "published.contact.updated.marketing.json": _opted_out(MARA, "contact_noted", MARKETING),
    "published.contact.updated.opted_in.json": Expected(
        ["contact_noted"], flags={(MARA, KEYWORD): "in"}, opted_out="sms"
    ),
    "published.contact.updated.optout.json": Expected(
        ["contact_noted"], flags={(MARA, KEYWORD): "out", (MARA, MARKETING): "out"}
    ),
    "published.docs_test_event.json": NOTHING,
    "published.message.failed.carrier_code.json": NOTED,
    "published.message.failed.stop_keyword.json": _opted_out(TOMAS, "opted_out_by_provider"),
    "published.message.received.attachment.json": _message(MARA),
    "published.message.received.email.json": NO_PHONE,
    "published.message.received.facebook.json": NO_PHONE,
    "published.message.received.flat.json": _message(MARA),
    "published.message.received.phone.json": _message(MARA),
    "published.message.received.snake_case.json": _message(MARA),
    "published.message.received.start.json": Expected(
        ["ingested"], flags={(MARA, KEYWORD): "in"}, opted_out="sms", contacts=[MARA]
    ),
    "published.message.received.stop.json": _opted_out(MARA),
    "published.message.received.webchat.json": _webchat(TOMAS, SYDNEY, "1"),
    "published.message.received.webchat.no_name.json": _webchat(NAMELESS, BURLEIGH, "hello? anyone there"),
    "published.message.sent.json": NOTED,
    "published.review.created.1star.json": BAD,
    "published.review.created.3star.json": NEUTRAL,
    "published.review.created.5star.json": GOOD,
    "published.review.created.rating_null.json": Expected(["review_unrated"]),
    "published.review.invite_link_created.json": LINK,
    "published.review.invite_link_updated.clicked.json": OPENED,
    "published.review.invite_link_updated.failed_nonlink.json": LINK,
    "published.review.response_created.json": ANSWERED,
    "published.review.response_updated.json": ANSWERED,
    "published.send_test.json": NOTHING,
    "published.unknown_event_type.json": NOTHING,
}


def play(stack: RunningStack, schemes: list[str], numbers: Callable[[], str], timeline: Timeline) -> bool:
    """Sends all of them, and returns whether each ended as it should."""
    files = sorted(file.name for file in chats.SAMPLES.glob("*.json") if file.name != "signature_vectors.json")
    timeline.say(f"{len(files)} sample events, as they are and as if they had happened a moment ago, at each endpoint\n")
    samples = [Sample(stack, file, schemes, numbers) for file in files]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for sample in samples:
            sample.forget_earlier_runs()
        # Who has opted out gets no answers any more: these come last.
        for last in (False, True):
            wave = [sample for sample in samples if sample.expected.silences == last]
            list(pool.map(Sample.send_as_it_is, wave))
            _wait(stack, [sample for sample in wave if not sample.expected.in_vain], timeline)
        list(pool.map(Sample.send_copies, samples))
        _wait(stack, samples, timeline)
        problems = list(pool.map(lambda sample: list(sample.problems()), samples))
    for sample, wrong in zip(samples, problems, strict=True):
        outcomes = ", ".join(dict.fromkeys(sample.expected.outcomes))
        timeline.say(f"{timeline.clock}  {timeline.mark(not wrong)} {sample.file:<58} {sample.count} times  {outcomes}")
        for problem in wrong:
            timeline.say(timeline.coloured(f"{'':>12}{problem}", RED))
    return not any(problems)


def _wait(stack: RunningStack, samples: list[Sample], timeline: Timeline) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while open := sum(sample.open() for sample in samples):
        if time.monotonic() > deadline:
            return
        timeline.progress(f"{open} sample events on their way")
        stack.run_timer("sweep")
        time.sleep(0.5)


@dataclass
class Sent:
    """A delivery, how it was answered, and who the people of the sample are in it."""

    event: Event
    answer: str
    people: dict[str, str]
    locations: dict[str, str]


class Sample:
    """One file, sent several times."""

    def __init__(self, stack: RunningStack, file: str, schemes: list[str], numbers: Callable[[], str]) -> None:
        self.file = file
        self.expected = EXPECTED.get(file) or Expected(["a line of its own in EXPECTED"])
        self._stack = stack
        self._schemes = schemes
        self._numbers = numbers
        self._bytes = (chats.SAMPLES / file).read_bytes()
        self._as_it_is: list[Sent] = []
        self._copies: list[Sent] = []
        self._rows: dict[str, Row] = {}

    @property
    def count(self) -> int:
        return len(self._as_it_is) + len(self._copies)

    @property
    def _endpoint(self) -> str:
        """The one that a webhook for this kind of event would be pointed at."""
        if ".contact." in self.file:
            return CONTACTS
        if ".review" in self.file:
            return REVIEWS
        return SMS if self.file.startswith("published.message") and "webchat" not in self.file else WEBCHAT

    # ---- How it is sent

    def forget_earlier_runs(self) -> None:
        """A stack that ran the demonstration before knows the files and their people already."""
        for key in Event(self._bytes).keys:
            self._stack.forget("inbox", key)
        for phone in (MARA, TOMAS, THIRD, NAMELESS):
            self._stack.forget_contact(phone)
        for phone, location in self.expected.answers:
            self._stack.forget("sessions", f"{phone}#{location}")
        data = json.loads(self._bytes).get("data") if ".review." in self.file else None
        for uid in filter(None, [data.get("uid"), data.get("id")] if data else []):
            self._stack.forget("reviews", uid)

    def send_as_it_is(self) -> None:
        people = {phone: phone for phone in (MARA, TOMAS, THIRD, NAMELESS)}
        listed = json.loads((chats.SAMPLES / "signature_vectors.json").read_text(encoding="utf-8"))["vectors"]
        vectors = [one for one in listed if one["file"] == self.file and one["scheme"] in self._schemes]
        for vector in vectors or [{"scheme": self._scheme, "headers": None}]:
            event = Event(self._bytes, self._endpoint, vector["scheme"], vector["headers"])
            self._as_it_is.append(Sent(event, self._deliver(event), people, {}))

    def send_copies(self) -> None:
        for path in ENDPOINTS:
            copy = _Copy(self._numbers)
            event = Event(copy.of(self._bytes), path, self._scheme)
            if self.expected.opted_out:
                self._seed(copy, self.expected.opted_out)
            self._copies.append(Sent(event, self._deliver(event), copy.people, copy.locations))

    def _deliver(self, event: Event) -> str:
        answer = self._stack.deliver(event)
        if self.expected.in_vain:
            for key in event.keys:
                self._stack.age_event(key, AGED_S)
        return answer.text

    @property
    def _scheme(self) -> str:
        wanted = "published" if self.file.startswith("published") else "brief_t_v1"
        return wanted if wanted in self._schemes else self._schemes[-1]

    def _seed(self, copy: _Copy, source: str) -> None:
        for who, _ in self.expected.flags:
            chats.says_stop(self._stack, copy.people[who], time.time() - SEEDED_BEFORE_S, source)

    # ---- What came of it

    def open(self) -> int:
        """How many of its events are still on their way."""
        keys = [key for sent in self._as_it_is[:1] + self._copies for key in sent.event.keys]
        self._rows = self._stack.events(keys)
        return sum(self._rows.get(key, {}).get("st") in OPEN for key in keys)

    def problems(self) -> Iterator[str]:
        self.open()
        first, *again = self._as_it_is
        yield from self._of_rows(first, "as it is")
        if first.answer != "accepted":
            yield f"as it is: answered {first.answer!r}"
        repeated = [sent.answer for sent in again if sent.answer != "duplicate"]
        yield from (f"as it is, signed otherwise: answered {answer!r}" for answer in repeated)
        for (who, flag), direction in self.expected.flags.items():
            # The order of all samples decides about the rest; that somebody is out stays true whatever comes later.
            if direction == "out":
                yield from self._of_flag(who, flag, "out", "as it is")
        for sent in self._copies:
            label = sent.event.path
            if sent.answer != "accepted":
                yield f"{label}: answered {sent.answer!r}"
            yield from self._of_rows(sent, label)
            yield from self._of_people(sent, label)

    def _of_rows(self, sent: Sent, label: str) -> Iterator[str]:
        for key, expected in zip(sent.event.keys, self.expected.outcomes, strict=True):
            row = self._rows.get(key)
            became = word(row) if row else "nothing stored"
            if became != expected:
                yield f"{label}: {became} instead of {expected}"

    def _of_people(self, sent: Sent, label: str) -> Iterator[str]:
        for (who, flag), direction in self.expected.flags.items():
            yield from self._of_flag(sent.people[who], flag, direction, label)
        spoken_of = {who for who, _ in self.expected.flags}
        for who in set(sent.people) - spoken_of:
            yield from self._of_flag(sent.people[who], KEYWORD, None, label)
        for (who, location), expected in self.expected.answers.items():
            session = f"{sent.people[who]}#{sent.locations.get(location, location)}"
            found = answers(self._stack.sessions([session]).get(session))
            if found != expected:
                yield f"{label}: the session's answers are {found} instead of {expected}"
        for who in self.expected.contacts:
            if (count := len(self._stack.podium_contacts(sent.people[who]))) != 1:
                yield f"{label}: {count} contacts at Podium instead of 1"

    def _of_flag(self, phone: str, flag: str, expected: str | None, label: str) -> Iterator[str]:
        found = self._stack.contacts([phone]).get(phone, {}).get(flag)
        if found != expected:
            yield f"{label}: {flag} is {found} instead of {expected}"


class _Copy:
    """The same event, as if it had happened a moment ago to other people."""

    UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")
    TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
    SECONDS = range(1_770_000_000, 1_780_000_000)
    IDS = ("id", "session_uid", "message_uid", "invitation_id")

    def __init__(self, numbers: Callable[[], str]) -> None:
        self.people: dict[str, str] = {}
        self.locations: dict[str, str] = {}
        self._numbers = numbers
        self._run = uuid.uuid4()
        self._later_s = 0.0

    def of(self, body: bytes) -> bytes:
        read = json.loads(body)
        times = [_at(match) for match in self.TIME.findall(body.decode())]
        times += [float(match) for match in re.findall(r"\b177\d{7}\b", body.decode())]
        # Everything happened as long after each other as in the sample, and the last of it now.
        self._later_s = time.time() - max(times, default=0.0)
        # What has no id at all is told from its other copies by this.
        return chats.wire(self._changed(None, read) | {"copy": str(self._run)})

    def _changed(self, name: str | None, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._changed(name, inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._changed(name, inner) for inner in value]
        if isinstance(value, int) and value in self.SECONDS:
            return int(value + self._later_s)
        return self._text(name, value) if isinstance(value, str) else value

    def _text(self, name: str | None, text: str) -> str:
        if name == "country":
            return "US"
        if text in LOCAL:
            number = self._person(LOCAL[text])
            return f"({number[2:5]}) {number[5:8]}-{number[8:]}"
        if text in (MARA, TOMAS, THIRD, NAMELESS):
            return self._person(text)
        if text in ("loc_burleigh", "loc_sydney"):
            return self.locations.setdefault(text, AUSTIN)
        if text in (BURLEIGH, SYDNEY):
            return text
        if self.TIME.fullmatch(text):
            return chats.iso(_at(text) + self._later_s)
        if self.UUID.fullmatch(text):
            return str(uuid.uuid5(self._run, text))
        return f"{text}-{str(self._run)[:8]}" if name in self.IDS else text

    def _person(self, phone: str) -> str:
        if phone not in self.people:
            self.people[phone] = self._numbers()
        return self.people[phone]


def _at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
