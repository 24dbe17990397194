"""The queue in front of a model: which texts go into the next batch. Pure: it knows neither threads nor a clock."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from heapq import merge
from itertools import islice, takewhile
from operator import attrgetter
from typing import Generic, Protocol, TypeVar

from services.intent.model import Appetite


class Priority(IntEnum):
    """Somebody waits for an interactive text; bulk work is behind it, but never for longer than `Limits.bulk_delay_s`."""

    INTERACTIVE = 0
    BULK = 1


class Waiter(Protocol):
    """A text in the queue. Times are seconds of one monotonic clock."""

    @property
    def tokens(self) -> int: ...
    @property
    def arrived(self) -> float: ...
    @property
    def expires(self) -> float: ...
    @property
    def priority(self) -> Priority: ...


W = TypeVar("W", bound=Waiter)
_TOKENS, _EXPIRES = attrgetter("tokens"), attrgetter("expires")


@dataclass(frozen=True, slots=True)
class Limits:
    """`token_budget` bounds the padded size of a batch of several texts: its longest text times their number.

    A text that is longer than that is computed alone. `batch_cost` is what a batch costs beside its tokens, in tokens. 0 stands for
    what suits the model.
    """

    token_budget: int = 0
    batch_cost: int = 0
    batch_texts: int = 64
    queue_texts: int = 1024
    window_texts: int = 128
    bulk_delay_s: float = 0.2

    def suiting(self, model: Appetite) -> "Limits":
        """These limits, with the model's own sizes where they name none."""
        budget, cost = self.token_budget or model.token_budget, self.batch_cost or model.batch_cost
        return replace(self, token_budget=budget, batch_cost=cost)


@dataclass(frozen=True, slots=True)
class Taken(Generic[W]):
    """A batch, sorted by length, and those whose deadline passed while they waited."""

    batch: list[W]
    expired: list[W]


class Waiting(Generic[W]):
    """Texts in order of arrival, one lane a priority. Adding and discarding take constant time."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lanes: dict[Priority, dict[int, W]] = {priority: {} for priority in Priority}
        self._tokens = dict.fromkeys(Priority, 0)

    def __len__(self) -> int:
        return sum(len(lane) for lane in self._lanes.values())

    def add(self, waiter: W) -> None:
        self._lanes[waiter.priority][id(waiter)] = waiter
        self._tokens[waiter.priority] += waiter.tokens

    def discard(self, waiter: W) -> bool:
        """Forget `waiter`, whose caller has gone; False when it was not waiting any more."""
        found = self._lanes[waiter.priority].pop(id(waiter), None)
        if found is not None:
            self._tokens[found.priority] -= found.tokens
        return found is not None

    def tokens_ahead(self, priority: Priority, now: float) -> int:
        """Of the texts that would be computed before one that arrived `now`."""
        if priority is Priority.BULK:
            return sum(self._tokens.values())
        overdue = takewhile(lambda waiter: self._due(waiter) <= now, self._lanes[Priority.BULK].values())
        return self._tokens[Priority.INTERACTIVE] + sum(waiter.tokens for waiter in overdue)

    def take(self, now: float) -> Taken[W]:
        """The next batch: whoever is due first, with those of the nearest lengths. So nobody starves, and little is padding."""
        expired: list[W] = []
        window = list(islice(self._by_due_time(), self._limits.window_texts))
        if window and min(map(_EXPIRES, window)) <= now:
            expired, window = self._without_expired(now)
        batch = _thriftiest(window, self._limits) if window else []
        for waiter in (*expired, *batch):
            self.discard(waiter)
        return Taken(batch, expired)

    def _without_expired(self, now: float) -> tuple[list[W], list[W]]:
        """Those that come too late, and a window of those behind them that do not."""
        expired: list[W] = []
        window: list[W] = []
        for waiter in self._by_due_time():
            (window if waiter.expires > now else expired).append(waiter)
            if len(window) == self._limits.window_texts:
                break
        return expired, window

    def _by_due_time(self) -> Iterator[W]:
        lanes = [lane.values() for lane in self._lanes.values() if lane]
        return iter(lanes[0]) if len(lanes) == 1 else merge(*lanes, key=self._due)

    def _due(self, waiter: W) -> float:
        return waiter.arrived + (self._limits.bulk_delay_s if waiter.priority is Priority.BULK else 0.0)


def _thriftiest(window: list[W], limits: Limits) -> list[W]:
    """The first of `window` and its neighbours by length, as many as make a real token the cheapest.

    More texts share what a batch costs by itself, but all are padded to the longest.
    """
    ordered = sorted(window, key=_TOKENS)
    best, least = (0, 0), math.inf
    real = 0
    for low, high, added in _growing(ordered, window[0], limits):
        real += added.tokens
        price = (limits.batch_cost + ordered[high - 1].tokens * (high - low)) / real
        if price <= least:
            best, least = (low, high), price
    return ordered[slice(*best)]


def _growing(ordered: list[W], first: W, limits: Limits) -> Iterator[tuple[int, int, W]]:
    """Ever larger slices (low, high) around `first`, each with the text that it adds, by the smaller difference in length."""
    low = ordered.index(first)
    high = low + 1
    yield low, high, first
    while high - low < limits.batch_texts:
        up = high < len(ordered) and ordered[high].tokens * (high + 1 - low) <= limits.token_budget
        down = low > 0 and ordered[high - 1].tokens * (high + 1 - low) <= limits.token_budget
        if up and (not down or _gap(ordered, high - 1, high) <= _gap(ordered, low - 1, low)):
            high += 1
            yield low, high, ordered[high - 1]
        elif down:
            low -= 1
            yield low, high, ordered[low]
        else:
            break


def _gap(ordered: list[W], shorter: int, longer: int) -> int:
    return ordered[longer].tokens - ordered[shorter].tokens
