"""Shopify's side of the house: orders, cancellations and refunds as its webhooks bring them, signed as it signs them.

Every body starts as one of the sample events, so that it has all of Shopify's fields, and gets an id, a buyer and a
time of its own. The buyers' numbers are kept free for fiction by the authorities and belong to nobody.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import itertools
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

SAMPLES = Path(__file__).resolve().parent.parent / "events" / "shopify"

# Set aside by the Australian Communications and Media Authority for radio, film and television: +61 491 57x xxx.
FICTIONAL_AU = [
    f"+6149157{tail:04}"
    for tail in (
        *(6, 110, 156, 157, 158, 159, 313, 737, 1266, 1491, 1804, 2549, 2665, 2983, 3087, 3770, 4118, 4632, 5254, 5789),
        *(6398, 6801, 7426, 7644, 8148, 8888, 8957, 9212, 9455, 9760),
    )
]
FICTIONAL_AU_LANDLINE = "+61255501234"
# 555-0100 to 555-0199 are set aside in every area code of the United States.
AREA_CODES = (
    202,
    206,
    212,
    213,
    215,
    303,
    305,
    312,
    313,
    404,
    415,
    503,
    504,
    512,
    602,
    612,
    615,
    617,
    702,
    713,
    808,
    907,
)
NAMES = (
    "Ava",
    "Ben",
    "Cleo",
    "Dan",
    "Elif",
    "Finn",
    "Gia",
    "Hugo",
    "Iris",
    "Jack",
    "Kaya",
    "Liam",
    "Mei",
    "Noor",
    "Otto",
)
# What is about somebody's data has a queue, and a source, of its own.
DATA_REQUEST, REDACT_CUSTOMER, REDACT_SHOP = DEMANDS = ("customers/data_request", "customers/redact", "shop/redact")
PRIVACY, ANY_TOPIC = "/shopify/privacy", "/shopify/webhooks"
ENDPOINTS = (
    "/shopify/orders-fulfilled",
    "/shopify/orders-cancelled",
    "/shopify/orders-updated",
    "/shopify/refunds-create",
    ANY_TOPIC,
    PRIVACY,
)
SHOPS_OFFSET = timezone(timedelta(hours=11))

Body = dict[str, Any]


def fictional_us() -> Iterator[str]:
    """All numbers, neighbours last: two that follow each other differ in their area code."""
    return (f"+1{area}55501{line:02}" for line in range(100) for area in AREA_CODES)


def masked(phone: str) -> str:
    """As Frontdesk itself would print it."""
    return f"{phone[:2] if phone.startswith('+1') else phone[:3]}*****{phone[-3:]}"


@dataclass(frozen=True)
class Customer:
    """A buyer. Without a phone Shopify has none on record."""

    first_name: str
    phone: str | None
    country: str

    @classmethod
    def of(cls, phone: str) -> Customer:
        return cls(NAMES[sum(map(int, phone[1:])) % len(NAMES)], phone, "AU" if phone.startswith("+61") else "US")


class OrderIds:
    """Ids that no earlier run used, in Shopify's magnitude."""

    def __init__(self) -> None:
        self._next = itertools.count(int(time.time()) * 10_000)

    def __next__(self) -> int:
        return next(self._next)


@dataclass(frozen=True)
class Webhook:
    """One event: Shopify repeats it under the same id and with the same bytes until it hears a 2xx."""

    path: str
    topic: str
    body: bytes
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    secret: ClassVar[str] = "SHOPIFY_WEBHOOK_SECRET_ARN"

    @property
    def keys(self) -> list[str]:
        return [f"{'privacy' if self.topic in DEMANDS else 'shopify'}#{self.id}"]

    def headers(self, shop: str, secret: str) -> dict[str, str]:
        signature = hmac.new(secret.encode(), self.body, hashlib.sha256).digest()
        return {
            "content-type": "application/json",
            "x-shopify-topic": self.topic,
            "x-shopify-hmac-sha256": base64.b64encode(signature).decode(),
            "x-shopify-shop-domain": shop,
            "x-shopify-webhook-id": self.id,
            "x-shopify-triggered-at": f"{datetime.now(UTC).replace(tzinfo=None).isoformat()}Z",
        }


@dataclass(frozen=True)
class Order:
    """An order, and the webhooks that tell of it."""

    id: int
    body: Body
    phone: str | None

    @property
    def name(self) -> str:
        return self.body["name"]

    def fulfilled(self) -> Webhook:
        return Webhook("/shopify/orders-fulfilled", "orders/fulfilled", _wire(self.body))

    def updated(self) -> Webhook:
        return Webhook("/shopify/orders-updated", "orders/updated", _wire(self.body | {"note": "Leave at the door"}))

    def cancelled(self) -> Webhook:
        body = self.body | {"cancelled_at": in_the_shops_time(time.time()), "cancel_reason": "customer"}
        return Webhook("/shopify/orders-cancelled", "orders/cancelled", _wire(body))

    def refunded(self) -> Webhook:
        body = _sample("refunds-create.json")
        body |= {"id": self.id + 1, "order_id": self.id, "created_at": in_the_shops_time(time.time())}
        for transaction in body["transactions"]:
            transaction["order_id"] = self.id
        return Webhook("/shopify/refunds-create", "refunds/create", _wire(body))


def order(id: int, customer: Customer, fulfilled_at: float, location: int) -> Order:
    """A web order of one customer, shipped to themselves at that time from that location."""
    made = from_sample("orders-fulfilled-au.json", id, fulfilled_at)
    body = made.body
    person = {"first_name": customer.first_name, "last_name": "Example", "phone": customer.phone}
    place = {"country_code": customer.country} | (
        {} if customer.country == "AU" else {"country": "United States", "province": "Texas", "province_code": "TX"}
    )
    for address in (body["billing_address"], body["shipping_address"], body["customer"]["default_address"]):
        address |= person | place | {"name": f"{customer.first_name} Example"}
    body["customer"] |= person
    body["fulfillments"][0]["location_id"] = location
    return Order(id, body, customer.phone)


def from_sample(file: str, id: int, fulfilled_at: float) -> Order:
    """A sample order as it is, but for its id and its time."""
    body = _sample(file)
    body |= {"id": id, "admin_graphql_api_id": f"gid://shopify/Order/{id}", "name": f"#HL{id % 10_000:04}"}
    at, day_before = in_the_shops_time(fulfilled_at), in_the_shops_time(fulfilled_at - 86_400)
    body |= {"created_at": day_before, "updated_at": at}
    for fulfillment in body["fulfillments"]:
        fulfillment |= {"order_id": id, "created_at": at, "updated_at": at}
    customer = body.get("customer") or {}
    return Order(id, body, body.get("phone") or customer.get("phone"))


@dataclass(frozen=True)
class Person:
    """A customer as Shopify knows them: by a number and an address of their own, and in orders."""

    id: int
    email: str
    phone: str

    def asks(self) -> Webhook:
        """They want to know what is kept about them."""
        return self._demand("customers-data-request.json", DATA_REQUEST, {"orders_requested": []})

    def wants_out(self, *orders: Order) -> Webhook:
        """They want to be forgotten."""
        return self._demand("customers-redact.json", REDACT_CUSTOMER, {"orders_to_redact": [one.id for one in orders]})

    def buys(self, made: Order) -> Order:
        """The same order, as one of theirs."""
        who = made.body["customer"] | {"id": self.id, "email": self.email}
        return changed(made, customer=who, email=self.email, contact_email=self.email)

    def _demand(self, file: str, topic: str, fields: Body) -> Webhook:
        customer = {"id": self.id, "email": self.email, "phone": self.phone}
        return Webhook(PRIVACY, topic, _wire(_sample(file) | fields | {"customer": customer}))


def webhook(file: str, topic: str, path: str = ANY_TOPIC, **fields: Any) -> Webhook:
    """A sample event on its way to a path."""
    return Webhook(path, topic, _wire(_sample(file) | fields))


def changed(original: Order, **fields: Any) -> Order:
    """The same order with other top-level fields."""
    return Order(original.id, original.body | fields, original.phone)


def in_the_shops_time(at: float) -> str:
    """A time as the shop's webhooks write it."""
    return datetime.fromtimestamp(at, SHOPS_OFFSET).isoformat(timespec="seconds")


def _sample(file: str) -> Body:
    return copy.deepcopy(_read(file))


@lru_cache
def _read(file: str) -> Body:
    return json.loads((SAMPLES / file).read_text(encoding="utf-8"))


def _wire(body: Body) -> bytes:
    """Without white space, as Shopify writes it."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
