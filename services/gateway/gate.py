"""What stands between a section and its back end: a bulkhead, a breaker, and probes that nobody waits for."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from services.gateway.retry import RetryBudget, with_retry
from services.kit.http import BackendInvalid, BackendRefused, BackendTimeout, BackendUnavailable
from services.kit.resilience import Breaker, Bulkhead, Deadline

T = TypeVar("T")

Call = Callable[[Deadline], Awaitable[T]]
"""One call to a back end. It ends by the deadline that it is given, with BackendTimeout when there is no answer."""

SMOOTHING = 0.1
PATIENCE = 1.5
LONGEST_PATIENCE_S = 0.1


class CircuitOpen(Exception):
    """The back end failed too often lately: it was not asked."""


class Gate:
    """One per section. A call that had less than `fair_budget_s` may time out without counting against the back end,
    so that callers with tiny deadlines cannot close a back end to everybody else.
    """

    def __init__(
        self,
        *,
        breaker: Breaker,
        bulkhead: Bulkhead,
        fair_budget_s: float,
        retries: RetryBudget,
        idempotent: bool = True,
    ) -> None:
        self._breaker = breaker
        self._bulkhead = bulkhead
        self._fair_budget_s = fair_budget_s
        self._retries = retries
        self._idempotent = idempotent
        self._usual_s = 0.02
        self._probes: set[asyncio.Task[Any]] = set()

    def ask(self, call: Call[T], within: Deadline) -> Awaitable[T]:
        """The answer of `call`; when awaited it raises CircuitOpen, BulkheadFull, or what `call` raises."""
        if self._breaker.state == "closed":
            return self._try(call, within)
        return self._probe(call, within)

    async def close(self) -> None:
        """End the probes that still run."""
        for probe in self._probes:
            probe.cancel()
        await asyncio.gather(*self._probes, return_exceptions=True)

    async def _probe(self, call: Call[T], within: Deadline) -> T:
        """Let `call` find out whether the back end is back, and wait for it little longer than a healthy call takes.

        So an outage costs its callers no time after the breaker opened, the prober included.
        """
        if within.remaining() < self._fair_budget_s or not self._breaker.allow():
            raise CircuitOpen
        probe = asyncio.create_task(self._try(call, within))
        self._probes.add(probe)
        probe.add_done_callback(self._probes.discard)
        probe.add_done_callback(_retrieve)
        patience = min(PATIENCE * self._usual_s, LONGEST_PATIENCE_S)
        await asyncio.wait({probe}, timeout=min(patience, within.remaining()))
        if probe.done() and not probe.cancelled() and probe.exception() is None:
            return probe.result()
        raise CircuitOpen

    async def _try(self, call: Call[T], within: Deadline) -> T:
        budget_s = within.remaining()
        started = time.monotonic()
        try:
            with self._bulkhead:
                answer = await with_retry(partial(call, within), idempotent=self._idempotent, budget=self._retries)
        except BackendTimeout:
            if budget_s >= self._fair_budget_s:
                self._breaker.record(ok=False)
            raise
        except (BackendUnavailable, BackendInvalid):
            self._breaker.record(ok=False)
            raise
        except BackendRefused as refused:
            self._breaker.record(ok=refused.status < 500)
            raise
        self._breaker.record(ok=True)
        self._usual_s += SMOOTHING * (time.monotonic() - started - self._usual_s)
        return answer


def _retrieve(probe: asyncio.Task[Any]) -> None:
    """A probe may fail after its caller went on: its error is known to the breaker, and not lost to anybody."""
    if not probe.cancelled():
        probe.exception()
