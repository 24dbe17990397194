"""The queue in front of a model: which texts go into the next batch. Pure: it knows neither threads nor a clock."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from heapq import merge
from typing import Generic, Protocol, TypeVar


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


@dataclass(frozen=True, slots=True)
class Limits:
    """`token_budget` bounds a batch's padded size: its longest text times its number of texts."""

    token_budget: int = 16_384
    batch_texts: int = 64
    queue_texts: int = 1024
    window_texts: int = 256
    bulk_delay_s: float = 0.2


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
        self.tokens = 0

    def __len__(self) -> int:
        return sum(len(lane) for lane in self._lanes.values())

    def add(self, waiter: W) -> None:
        """Raises ValueError for a text that fits into no batch."""
        if waiter.tokens > self._limits.token_budget:
            raise ValueError(f"{waiter.tokens} tokens do not fit into a budget of {self._limits.token_budget}")
        self._lanes[waiter.priority][id(waiter)] = waiter
        self.tokens += waiter.tokens

    def discard(self, waiter: W) -> bool:
        """Forget `waiter`, whose caller has gone; False when it was not waiting any more."""
        found = self._lanes[waiter.priority].pop(id(waiter), None)
        if found is not None:
            self.tokens -= found.tokens
        return found is not None

    def take(self, now: float) -> Taken[W]:
        """The next batch: whoever is due first, with those of the nearest lengths.

        So nobody starves, and little of the budget is padding.
        """
        expired: list[W] = []
        window: list[W] = []
        for waiter in self._by_due_time():
            if waiter.expires <= now:
                expired.append(waiter)
            else:
                window.append(waiter)
            if len(window) == self._limits.window_texts:
                break
        batch = _nearest_lengths(window, self._limits) if window else []
        for waiter in (*expired, *batch):
            self.discard(waiter)
        return Taken(batch, expired)

    def _by_due_time(self) -> Iterator[W]:
        return merge(*(lane.values() for lane in self._lanes.values()), key=self._due)

    def _due(self, waiter: W) -> float:
        return waiter.arrived + (self._limits.bulk_delay_s if waiter.priority is Priority.BULK else 0.0)


def _nearest_lengths(window: list[W], limits: Limits) -> list[W]:
    """The first of `window` and its neighbours by length, as many as the budget allows."""
    first = window[0]
    ordered = sorted(window, key=lambda waiter: waiter.tokens)
    low = next(index for index, waiter in enumerate(ordered) if waiter is first)
    high = low + 1
    while high - low < limits.batch_texts:
        grow_up = high < len(ordered) and ordered[high].tokens * (high + 1 - low) <= limits.token_budget
        grow_down = low > 0 and ordered[high - 1].tokens * (high + 1 - low) <= limits.token_budget
        if grow_up and (not grow_down or _gap(ordered, high - 1, high) <= _gap(ordered, low - 1, low)):
            high += 1
        elif grow_down:
            low -= 1
        else:
            break
    return ordered[low:high]


def _gap(ordered: list[W], shorter: int, longer: int) -> int:
    return ordered[longer].tokens - ordered[shorter].tokens
