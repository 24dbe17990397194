"""Deadlines, circuit breakers and bulkheads: small values that say when to stop trying."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

DEADLINE_HEADER = "X-Request-Deadline-Ms"


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock by which an answer must be out."""

    at: float

    @classmethod
    def after_ms(cls, budget_ms: float) -> Self:
        return cls(time.monotonic() + budget_ms / 1000)

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - time.monotonic())

    def header(self) -> str:
        """Milliseconds left, for `X-Request-Deadline-Ms`; at least 1."""
        return str(max(1, int(self.remaining() * 1000)))

    def shorter(self, budget_ms: float) -> "Deadline":
        """This deadline, or `budget_ms` from now if that is sooner."""
        return min(self, Deadline.after_ms(budget_ms), key=lambda deadline: deadline.at)


BreakerState = Literal["closed", "open", "half_open"]


class Breaker:
    """Opens when half of the last calls failed, lets one probe through after a pause that doubles, closes when it succeeds.

    Nygard, Release It! (2007), with a sliding count window. Not shared between processes.
    """

    def __init__(
        self,
        *,
        window: int = 20,
        minimum: int = 5,
        failure_share: float = 0.5,
        pause_s: float = 1.0,
        longest_pause_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outcomes: deque[bool] = deque(maxlen=window)
        self._minimum = minimum
        self._failure_share = failure_share
        self._first_pause_s = self._pause_s = pause_s
        self._longest_pause_s = longest_pause_s
        self._clock = clock
        self._opened_at: float | None = None
        self._probing_since: float | None = None

    @property
    def state(self) -> BreakerState:
        if self._opened_at is None:
            return "closed"
        return "half_open" if self._clock() - self._opened_at >= self._pause_s else "open"

    def allow(self) -> bool:
        """Whether to try. In the half-open state only one probe at a time; a probe that never reported is given up on."""
        if self._opened_at is None:
            return True
        now = self._clock()
        if now - self._opened_at < self._pause_s:
            return False
        if self._probing_since is not None and now - self._probing_since < self._pause_s:
            return False
        self._probing_since = now
        return True

    def record(self, *, ok: bool) -> None:
        """The outcome of a call that was allowed."""
        if self._opened_at is not None:
            self._conclude_probe(ok=ok)
            return
        self._outcomes.append(ok)
        failures = self._outcomes.count(False)
        if not ok and len(self._outcomes) >= self._minimum and failures >= self._failure_share * len(self._outcomes):
            self._opened_at = self._clock()

    def _conclude_probe(self, *, ok: bool) -> None:
        if self._probing_since is None:
            return  # A call from before the breaker opened: it tells nothing new.
        self._probing_since = None
        if ok:
            self._opened_at = None
            self._pause_s = self._first_pause_s
            self._outcomes.clear()
        else:
            self._opened_at = self._clock()
            self._pause_s = min(self._pause_s * 2, self._longest_pause_s)


class BulkheadFull(Exception):
    """More calls to one neighbour are under way than it may hold."""


class Bulkhead:
    """At most `limit` calls to one neighbour at a time; the next one is refused, not queued."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.in_use = 0

    def __enter__(self) -> None:
        if self.in_use >= self._limit:
            raise BulkheadFull
        self.in_use += 1

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.in_use -= 1
