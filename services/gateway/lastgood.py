"""What a section answered last, for when its back end cannot answer now (stale-if-error, RFC 5861)."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Remembered(Generic[T]):
    """An answer of the past and its age."""

    value: T
    age_ms: int


class LastGood(Generic[T]):
    """At most `entries` answers, none older than `max_age_s`; the least recently written goes first.

    The key must hold everything that the answer depended on: tenant, subject, scopes, person, locale and consent version
    among it, so that nobody is answered with what was meant for somebody else, or for an earlier consent.
    """

    def __init__(self, *, entries: int, max_age_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._entries = entries
        self._max_age_s = max_age_s
        self._clock = clock
        self._answers: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def remember(self, key: Hashable, value: T) -> None:
        """Keep `value` as the newest answer under `key`."""
        self._answers[key] = (self._clock(), value)
        self._answers.move_to_end(key)
        while len(self._answers) > self._entries:
            self._answers.popitem(last=False)

    def recall(self, key: Hashable) -> Remembered[T] | None:
        """The answer under `key`, unless there is none or it has grown too old."""
        if (kept := self._answers.get(key)) is None:
            return None
        age_s = self._clock() - kept[0]
        if age_s > self._max_age_s:
            del self._answers[key]
            return None
        return Remembered(kept[1], round(age_s * 1000))
