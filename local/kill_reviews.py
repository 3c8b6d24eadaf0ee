"""Reviews that come in while functions are killed: what people have to be told of, whoever dies on the way to them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from chats import ENDPOINTS, Event
from kill_deliveries import Deliveries
from reviews import Review
from running import RunningStack

LOCATION = "loc_austin"


@dataclass(frozen=True)
class Written:
    """A review, and whether people have to be told of it."""

    kind: str
    review: Review
    bad: bool


class Reviews:
    """What customers think of it all, delivered side by side and signed in every way that counts."""

    def __init__(self, stack: RunningStack, rng: random.Random, deliveries: Deliveries) -> None:
        self.written: list[Written] = []
        self._rng = rng
        self._deliveries = deliveries
        self._schemes = itertools.cycle(stack.settings["PODIUM_SIGNATURE_SCHEMES"].split(","))

    def burst(self, reviews: int) -> None:
        """So many new ones at once."""
        kinds: list[Callable[[], None]] = [*([self._bad] * 3), *([self._everywhere] * 2), self._edited, self._good]
        for _ in range(reviews):
            self._rng.choice(kinds)()

    def _bad(self) -> None:
        review = self._writes("a bad review", bad=True)
        self._deliveries.deliver(self._sent(self._told(review, 1)))

    def _everywhere(self) -> None:
        review = self._writes("a bad review, told of at each endpoint", bad=True)
        event = self._told(review, 2)
        for path in ENDPOINTS:
            self._deliveries.deliver(self._sent(event.to(path)))

    def _edited(self) -> None:
        review = self._writes("a bad review, once a good one", bad=True)
        self._deliveries.deliver(self._sent(review.published(5)), self._sent(review.published(1, edited=True)))

    def _good(self) -> None:
        review = self._writes("a good review", bad=False)
        self._deliveries.deliver(self._sent(self._told(review, 5)))

    def _writes(self, kind: str, *, bad: bool) -> Review:
        review = Review(LOCATION)
        self.written.append(Written(kind, review, bad))
        return review

    def _told(self, review: Review, stars: int) -> Event:
        return self._rng.choice([review.published, review.brief])(stars)

    def _sent(self, event: Event) -> Event:
        return replace(event, scheme=next(self._schemes))
