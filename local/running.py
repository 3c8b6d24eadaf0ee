"""A stack that runs, as a demonstration or a test uses it: deliver, look into the tables, steer the providers.

Nothing here knows how a stack is built: `stack.json` says where everything is.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer

import processes
from emulator import Emulator
from processes import LOCALHOST
from progress import StackError

ROOT = Path(__file__).resolve().parent.parent
STACK = [sys.executable, str(ROOT / "local" / "stack.py")]

# How many keys DynamoDB reads at once.
BATCH_MAX = 100

Row = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What the front door answered; status 0 when nothing came."""

    status: int
    text: str

    @property
    def taken(self) -> bool:
        return 200 <= self.status < 300

    def __str__(self) -> str:
        return f"{self.status} {self.text}" if self.status else self.text


class Delivery(Protocol):
    """A webhook that can be delivered, again and again with the same bytes."""

    @property
    def body(self) -> bytes:
        """Its bytes."""

    @property
    def path(self) -> str:
        """Where it goes."""

    @property
    def secret(self) -> str:
        """The setting that names the secret by which it is signed."""

    @property
    def keys(self) -> list[str]:
        """The inbox's keys of its events."""

    def headers(self, shop: str, secret: str) -> Mapping[str, str]:
        """Those of a genuine delivery."""


class RunningStack:
    """The stack that a `stack.json` describes."""

    def __init__(self, described: dict[str, Any]) -> None:
        self.described = described
        self.settings: dict[str, str] = described["settings"]
        self.shop = self.settings["SHOPIFY_SHOP"]
        self._emulator = Emulator(described["ports"]["aws"], Path(described["state_dir"]))
        self._reader = TypeDeserializer()

    def seconds(self, setting: str) -> int:
        return int(self.settings[setting])

    @property
    def locations(self) -> list[dict[str, Any]]:
        return json.loads(self.settings["SHOPIFY_LOCATIONS"])

    # ---- The front door

    def deliver(self, webhook: Delivery, *, secret: str | None = None, patience_s: float = 30.0) -> Answer:
        headers = webhook.headers(self.shop, secret or self.described["secrets"][webhook.secret]["value"])
        url = self.described["endpoints"]["front_door"] + webhook.path
        return _call("POST", url, webhook.body, headers, patience_s)

    def run_timer(self, task: str) -> bool:
        """Starts a timer now rather than at its minute; false when it came to no end."""
        return self.handled(task) is not None

    def client(self, service: str) -> Any:
        """A client of one of AWS's services, with the owner's rights."""
        return self._emulator.client(service)

    def handled(self, task: str) -> int | None:
        """The same; says how many rows it saw to."""
        name = self.described["functions"][self.described["tasks"][task]]["name"]
        client = self._emulator.client("lambda")
        answer = client.invoke(FunctionName=name, Payload=json.dumps({"task": task}).encode())
        return None if "FunctionError" in answer else int(json.load(answer["Payload"])["handled"])

    # ---- The tables

    def event(self, webhook: Delivery) -> Row | None:
        """The inbox's row of an event."""
        return next(iter(self.events(webhook.keys).values()), None)

    def events(self, keys: Iterable[str]) -> dict[str, Row]:
        return self._rows("inbox", list(keys))

    def inbox_since(self, since_ms: int) -> dict[str, Row]:
        """The inbox's rows of events that came in since then, each with its body as a person would read it (`text`)."""
        pages = self._emulator.client("dynamodb").get_paginator("scan")
        asked = pages.paginate(
            TableName=self._table("inbox"),
            ConsistentRead=True,
            FilterExpression="received_at_ms >= :since_ms",
            ExpressionAttributeValues={":since_ms": {"N": str(since_ms)}},
        )
        rows = [self._read(item) for page in asked for item in page["Items"]]
        return {row["pk"]: row | {"text": str(_shown(row, "body_bytes"))} for row in rows if "body_bytes" in row}

    def requests(self, order_ids: Iterable[int]) -> dict[int, Row]:
        """The review requests of these orders, as far as they have one."""
        found = self._rows("review_requests", [f"{self.shop}#{id}" for id in order_ids])
        return {int(key.rpartition("#")[2]): row for key, row in found.items()}

    def contacts(self, phones: Iterable[str]) -> dict[str, Row]:
        return self._rows("contacts", list(phones))

    def sessions(self, keys: Iterable[str]) -> dict[str, Row]:
        """The webchat sessions of these `phone#location`."""
        return self._rows("sessions", list(keys))

    def outbox(self, keys: Iterable[str]) -> dict[str, Row]:
        """Sends, notices, and what is known of ids of the providers'."""
        return self._rows("outbox", list(keys))

    def sends(self, order_ids: Iterable[int]) -> dict[int, Row]:
        """The texts of these orders' review requests, as far as one was begun."""
        found = self.outbox(f"review-request#{self.shop}#{id}" for id in order_ids)
        return {int(key.rpartition("#")[2]): row for key, row in found.items()}

    def reviews(self, uids: Iterable[str]) -> dict[str, Row]:
        return self._rows("reviews", list(uids))

    def known_phones(self, phones: Iterable[str]) -> set[str]:
        """Which of these have a contact, or had one that was erased and left something to be remembered."""
        keys = {row["pk"] for row in self.all_rows("contacts", ["pk"])}
        return {phone for phone in phones if phone in keys or self._remembered(phone) in keys}

    def forget_contact(self, phone: str) -> None:
        self.forget("contacts", phone)
        self.forget("contacts", self._remembered(phone))

    def _remembered(self, phone: str) -> str:
        """The key under which it stays that somebody had opted out who was erased."""
        pepper = self.described["secrets"]["FRONTDESK_PEPPER_SECRET_ARN"]["value"]
        return f"suppressed#{hmac.new(pepper.encode(), phone.encode(), hashlib.sha256).hexdigest()}"

    def forget(self, table: str, key: str) -> None:
        self._emulator.client("dynamodb").delete_item(TableName=self._table(table), Key={"pk": {"S": key}})

    def age_session(self, key: str, seconds: float) -> None:
        """Lets a session have been silent for so much longer."""
        self._emulator.client("dynamodb").update_item(
            TableName=self._table("sessions"),
            Key={"pk": {"S": key}},
            UpdateExpression="SET last_at_ms = last_at_ms - :longer, deadline_at_ms = deadline_at_ms - :longer",
            ExpressionAttributeValues={":longer": {"N": str(int(seconds * 1000))}},
        )

    def age_event(self, key: str, seconds: float) -> None:
        """Lets an event have come in so much earlier."""
        self._emulator.client("dynamodb").update_item(
            TableName=self._table("inbox"),
            Key={"pk": {"S": key}},
            UpdateExpression="SET received_at_ms = received_at_ms - :longer",
            ExpressionAttributeValues={":longer": {"N": str(int(seconds * 1000))}},
        )

    def age_demand(self, key: str, seconds: float) -> None:
        """Lets a demand about somebody's data, which waits for its second look, have come in so much earlier."""
        self._emulator.client("dynamodb").update_item(
            TableName=self._table("inbox"),
            Key={"pk": {"S": key}},
            UpdateExpression="SET received_at_ms = received_at_ms - :longer, "
            "waiting_since_ms = waiting_since_ms - :longer",
            ExpressionAttributeValues={":longer": {"N": str(int(seconds * 1000))}},
        )

    def age_send(self, order_id: int, seconds: float) -> None:
        """Lets the text of an order's review request have been sent so much earlier."""
        self._emulator.client("dynamodb").update_item(
            TableName=self._table("outbox"),
            Key={"pk": {"S": f"review-request#{self.shop}#{order_id}"}},
            UpdateExpression="SET settled_at_ms = settled_at_ms - :longer, since_ms = since_ms - :longer",
            ExpressionAttributeValues={":longer": {"N": str(int(seconds * 1000))}},
        )

    def age_reminder(self, order_id: int, seconds: float) -> None:
        """Lets the reminder of an order's review request have been planned so much earlier."""
        self._emulator.client("dynamodb").update_item(
            TableName=self._table("outbox"),
            Key={"pk": {"S": f"reminder#{self.shop}#{order_id}"}},
            UpdateExpression="SET since_ms = since_ms - :longer",
            ExpressionAttributeValues={":longer": {"N": str(int(seconds * 1000))}},
        )

    def hasten(self, order_id: int) -> None:
        """Lets the time of a request that waits have come."""
        self._emulator.client("dynamodb").update_item(
            TableName=self._table("review_requests"),
            Key={"pk": {"S": f"{self.shop}#{order_id}"}},
            UpdateExpression="SET send_after_ms = :now, due_at_ms = :now",
            ExpressionAttributeValues={":now": {"N": str(int(time.time() * 1000))}},
        )

    def open_keys(self, table: str, index: str) -> list[str]:
        """What stands in a sparse index: everything that still waits for something."""
        pages = self._emulator.client("dynamodb").get_paginator("scan")
        asked = pages.paginate(TableName=self._table(table), IndexName=index)
        return [item["pk"]["S"] for page in asked for item in page["Items"]]

    def leased(self, table: str, until_ms: int, prefix: str) -> bool:
        """Whether anybody holds a row longer than that; only for tables as small as a test's."""
        found = self._emulator.client("dynamodb").scan(
            TableName=self._table(table),
            ConsistentRead=True,
            FilterExpression="lease_until_ms > :until_ms AND begins_with(pk, :prefix)",
            ExpressionAttributeValues={":until_ms": {"N": str(until_ms)}, ":prefix": {"S": prefix}},
            Select="COUNT",
        )
        return bool(found["Count"])

    def all_rows(self, table: str, attributes: Iterable[str]) -> list[Row]:
        """The whole table; only for tables as small as a test's."""
        names = {f"#{number}": name for number, name in enumerate(attributes)}
        pages = self._emulator.client("dynamodb").get_paginator("scan")
        asked = pages.paginate(
            TableName=self._table(table),
            ProjectionExpression=", ".join(names),
            ExpressionAttributeNames=names,
            ConsistentRead=True,
        )
        return [self._read(item) for page in asked for item in page["Items"]]

    def put_rows(self, table: str, rows: Iterable[Row], at_once: int) -> None:
        """Writes rows as somebody else might have."""
        client, name = self._emulator.client("dynamodb"), self._table(table)
        writer = TypeSerializer()
        waiting = [{name: writer.serialize(value) for name, value in row.items()} for row in rows]
        while waiting:
            some = [{"PutRequest": {"Item": item}} for item in waiting[:at_once]]
            left = client.batch_write_item(RequestItems={name: some}).get("UnprocessedItems", {}).get(name, [])
            waiting = [put["PutRequest"]["Item"] for put in left] + waiting[at_once:]

    def count_rows(self, table: str, attribute: str, value: str) -> int:
        """How many rows have this text there."""
        pages = self._emulator.client("dynamodb").get_paginator("scan")
        asked = pages.paginate(
            TableName=self._table(table),
            ConsistentRead=True,
            FilterExpression="#name = :value",
            ExpressionAttributeNames={"#name": attribute},
            ExpressionAttributeValues={":value": {"S": value}},
            Select="COUNT",
        )
        return sum(page["Count"] for page in asked)

    def everything(self) -> Iterator[tuple[str, str, str]]:
        """All that is kept of anybody, in every table and every queue: the place, the key, and the rest as text."""
        pages = self._emulator.client("dynamodb").get_paginator("scan")
        for table, name in self.described["tables"].items():
            for page in pages.paginate(TableName=name, ConsistentRead=True):
                for item in page["Items"]:
                    row = self._read(item)
                    yield table, str(row["pk"]), json.dumps({name: _shown(row, name) for name in row}, default=str)
        inspected = _call("GET", f"{self.described['endpoints']['aws']}/_ministack/sqs/messages", None, {}, 30.0)
        if not inspected.taken:
            raise StackError(f"the emulator does not show its queues: {inspected}")
        for message in _messages(json.loads(inspected.text)):
            yield "queues", str(message.get("MessageId", "")), json.dumps(message)

    def queue_depths(self) -> dict[str, int]:
        """Messages in each queue, visible, hidden or delayed."""
        client = self._emulator.client("sqs")
        counted = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]
        depths = {}
        for name, url in self.described["queues"].items():
            told = client.get_queue_attributes(QueueUrl=url, AttributeNames=counted)["Attributes"]
            depths[name] = sum(map(int, told.values()))
        return depths

    def _rows(self, table: str, keys: list[str]) -> dict[str, Row]:
        client, name = self._emulator.client("dynamodb"), self._table(table)
        found: dict[str, Row] = {}
        for start in range(0, len(keys), BATCH_MAX):
            wanted = [{"pk": {"S": key}} for key in keys[start : start + BATCH_MAX]]
            answer = client.batch_get_item(RequestItems={name: {"Keys": wanted, "ConsistentRead": True}})
            if answer.get("UnprocessedKeys"):
                raise StackError(f"{table}: the emulator did not read all rows")
            found |= {item["pk"]["S"]: self._read(item) for item in answer["Responses"].get(name, [])}
        return found

    def _read(self, item: dict[str, Any]) -> Row:
        return {name: self._reader.deserialize(value) for name, value in item.items()}

    def _table(self, name: str) -> str:
        return self.described["tables"][name]

    # ---- The providers

    def ledger(self) -> list[dict[str, Any]]:
        """Everything that customers would have noticed."""
        return self.control("GET", "/ledger")["effects"]

    def notices(self) -> list[dict[str, Any]]:
        """Everything that the shop's people were told."""
        return self.control("GET", "/ledger")["notices"]

    def podiums_webhooks(self) -> list[dict[str, Any]]:
        """Each attempt of Podium's to tell of something, and what was lost on the way."""
        return self.control("GET", "/ledger")["webhooks"]

    def provider_calls(self, provider: str, **asked: str) -> list[dict[str, Any]]:
        """The last calls to a provider, those that it has not answered yet among them."""
        query = urllib.parse.urlencode({"provider": provider, **asked})
        return self.control("GET", f"/requests?{query}")["requests"]

    def add_fault(self, rule: dict[str, Any]) -> int:
        return self.control("POST", "/faults", rule)["id"]

    def fault_fired(self, id: int) -> bool:
        return any(fault["id"] == id and fault["fired"] > 0 for fault in self.control("GET", "/faults")["faults"])

    def remove_fault(self, id: int) -> None:
        self.control("DELETE", f"/faults/{id}")

    def clear_faults(self) -> None:
        self.control("DELETE", "/faults")

    def podium_contacts(self, phone: str) -> list[dict[str, Any]]:
        """Everybody whom Podium has on record by this phone."""
        return self.control("GET", f"/podium/contacts/{urllib.parse.quote(phone)}")["contacts"]

    def podium_phones(self) -> Counter[str]:
        """How many contacts Podium has of each phone."""
        return Counter(contact["phone"] for contact in self.control("GET", "/podium/contacts")["contacts"])

    def set_podium_contact(self, phone: str, **fields: Any) -> None:
        self.control("PUT", f"/podium/contacts/{urllib.parse.quote(phone)}", fields)

    def open_conversation(self, uid: str, phone: str, location: str) -> None:
        """A conversation that the customer began, as Podium's inbox shows it."""
        self.control("PUT", f"/podium/conversations/{uid}", {"phone": phone, "location": location})

    def conversation(self, uid: str) -> dict[str, Any]:
        return self.control("GET", f"/podium/conversations/{uid}")

    def set_location(self, uid: str, **fields: Any) -> None:
        """A location that Podium lists from now on, or lists otherwise."""
        self.control("PUT", f"/podium/locations/{uid}", fields)

    def remove_location(self, uid: str) -> None:
        self.control("DELETE", f"/podium/locations/{uid}")

    def webhook(self, name: str, **fields: Any) -> None:
        """Lets Podium tell of what happens from now on, or do so otherwise."""
        self.control("PUT", f"/podium/webhooks/{name}", fields)

    def remove_webhook(self, name: str) -> None:
        self.control("DELETE", f"/podium/webhooks/{name}")

    def plan_delivery(self, phone: str, status: str, failure_reason: str | None = None) -> None:
        """What is to become of everything that Podium sends to a phone from now on."""
        body = {"status": status} | ({"failure_reason": failure_reason} if failure_reason else {})
        self.control("PUT", f"/podium/outcomes/{urllib.parse.quote(phone)}", body)

    def forget_plan(self, phone: str) -> None:
        self.control("DELETE", f"/podium/outcomes/{urllib.parse.quote(phone)}")

    def set_delivery(self, id: str, **fields: Any) -> None:
        """What became of a message or an invitation; Podium says so with `tell`."""
        self.control("PUT", f"/podium/deliveries/{id}", fields)

    def set_review(self, uid: str, **fields: Any) -> None:
        """A review that somebody leaves, or changes."""
        self.control("PUT", f"/podium/reviews/{uid}", fields)

    def customer_writes(self, phone: str, location: str, text: str, **fields: Any) -> str:
        """What Podium gets from a customer; returns the message's uid."""
        body = {"phone": phone, "location": location, "text": text, **fields}
        return str(self.control("POST", "/podium/inbound", body)["uid"])

    def list_order(self, order: dict[str, Any]) -> None:
        """An order that stands in Shopify's list from now on, given as its webhook has it."""
        self.control("POST", "/shopify/orders", order)

    def set_order(self, order_id: int, **fields: Any) -> None:
        """What Shopify says from now on when it is asked about this order."""
        self.control("PUT", f"/shopify/orders/{order_id}", fields)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Asks the stand-ins to do or to say something."""
        content = None if body is None else json.dumps(body).encode()
        url = f"{self.described['endpoints']['stand_ins']}/_control{path}"
        answer = _call(method, url, content, {"content-type": "application/json"}, 30.0)
        if not answer.taken:
            raise StackError(f"the stand-ins answered {answer} to {method} /_control{path}")
        return json.loads(answer.text) if answer.text else None

    # ---- The processes

    def log_lines(self, package: str, since_ms: int) -> Iterator[dict[str, Any]]:
        """What a function logged since then, as far as it is JSON, with the time of each line as `at_ms`."""
        group = self.described["functions"][package]["log_group"]
        pages = self._emulator.client("logs").get_paginator("filter_log_events")
        for page in pages.paginate(logGroupName=group, startTime=since_ms):
            for event in page["events"]:
                with suppress(ValueError):
                    yield json.loads(event["message"]) | {"at_ms": event["timestamp"]}

    def all_log_lines(self, package: str, since_ms: int) -> Iterator[dict[str, Any]]:
        """The same, however many there are: the emulator shows the first ten thousand, whoever asks for the next."""
        seen = 0
        while True:
            last_ms, at_last, new = since_ms, 0, 0
            for line in self.log_lines(package, since_ms):
                at_last = at_last + 1 if line["at_ms"] == last_ms else 1
                last_ms = line["at_ms"]
                # Those of the last moment are shown again, in the same order.
                if line["at_ms"] > since_ms or at_last > seen:
                    new += 1
                    yield line
            if new == 0:
                return
            since_ms, seen = last_ms, at_last

    def logged(self, since_ms: int) -> Iterator[str]:
        """Every line that any function logged since then."""
        pages = self._emulator.client("logs").get_paginator("filter_log_events")
        for function in self.described["functions"].values():
            for page in pages.paginate(logGroupName=function["log_group"], startTime=since_ms):
                yield from (event["message"] for event in page["events"])

    def asked(self, package: str, action: str) -> Iterator[dict[str, Any]]:
        """What a function's role was asked for, of one kind: lines of the emulator's ledger of permissions."""
        role = self._function(package)["Role"].rpartition("/")[2]
        # Its last line may be on its way to the disk.
        lines = self._emulator.permissions.read_text(encoding="utf-8").rpartition("\n")[0].splitlines()
        rows = (json.loads(line) for line in lines if action in line and role in line)
        return (row for row in rows if (row["role"], row["action"]) == (role, action))

    @contextmanager
    def standing_still(self, package: str) -> Iterator[None]:
        """Nobody calls a function with what is in its queues, as long as this lasts."""
        client, name = self._emulator.client("lambda"), self.described["functions"][package]["name"]
        sources = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        for source in sources:
            client.update_event_source_mapping(UUID=source["UUID"], Enabled=False)
        try:
            yield
        finally:
            for source in sources:
                client.update_event_source_mapping(UUID=source["UUID"], Enabled=True)

    def _function(self, package: str) -> dict[str, Any]:
        name = self.described["functions"][package]["name"]
        return self._emulator.client("lambda").get_function_configuration(FunctionName=name)

    def functions(self) -> list[str]:
        return list(self.described["functions"])

    def bootstraps(self, package: str) -> list[int]:
        """Ids of the processes that run a function right now."""
        return processes.running(Path(self.described["functions"][package]["bootstrap"]))


def _shown(row: Row, name: str) -> Any:
    """An attribute as a person would read it. Long bodies are kept deflated."""
    value = row[name]
    if not isinstance(value, Binary):
        return value
    packed = name == "body_bytes" and row.get("body_form") == "deflate"
    return (zlib.decompress(value.value, -zlib.MAX_WBITS) if packed else value.value).decode(errors="replace")


def _messages(inspected: Any) -> Iterator[dict[str, Any]]:
    """The messages in what the emulator shows of its queues, however deep they lie."""
    if isinstance(inspected, dict) and "Body" in inspected:
        yield inspected
    elif isinstance(inspected, dict | list):
        for inner in inspected.values() if isinstance(inspected, dict) else inspected:
            yield from _messages(inner)


def _call(method: str, url: str, body: bytes | None, headers: dict[str, str], patience_s: float) -> Answer:
    request = urllib.request.Request(url, data=body, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=patience_s) as answer:
            return Answer(answer.status, answer.read().decode(errors="replace").strip())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read().decode(errors="replace").strip())
    except (OSError, HTTPException) as error:
        return Answer(0, str(error))


# ---- Which stack


def running_stack() -> RunningStack | None:
    """The developer's stack, or the one that FRONTDESK_LOCAL_STATE_DIR names, if it is up."""
    done = subprocess.run([*STACK, "status", "--json"], capture_output=True, text=True, check=False)
    return RunningStack(json.loads(done.stdout)["stack"]) if done.returncode == 0 else None


@contextmanager
def stack_of_its_own(name: str, settings: dict[str, str], *, whole_workspace: bool) -> Iterator[RunningStack]:
    """A fresh stack on free ports, gone at the end. After a failure its data and logs are left where they are."""
    (ROOT / "target").mkdir(exist_ok=True)
    state_dir = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=ROOT / "target"))
    place = ["--state-dir", str(state_dir)]
    up = [*STACK, "up", "--detach", "--quiet", *place, "--ports", ",".join(map(str, _free_ports(4)))]
    up += [part for setting, value in settings.items() for part in ("--set", f"{setting}={value}")]
    try:
        try:
            _run(up + (["--whole-workspace"] if whole_workspace else []))
            yield RunningStack(json.loads((state_dir / "stack.json").read_text(encoding="utf-8")))
        finally:
            _run([*STACK, "down", *place])
    except BaseException:
        if any(state_dir.iterdir()):
            print(f"its data and logs: {state_dir}", file=sys.stderr)
        else:
            state_dir.rmdir()
        raise
    shutil.rmtree(state_dir, ignore_errors=True)


def _run(argv: list[str]) -> None:
    # What a stack prints goes beside our own results, not among them.
    if subprocess.run(argv, stdout=sys.stderr, check=False).returncode != 0:
        raise StackError(f"`stack.py {argv[len(STACK)]}` failed; its messages are above")


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((LOCALHOST, 0))
        return [probe.getsockname()[1] for probe in probes]
