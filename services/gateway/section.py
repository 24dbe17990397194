"""One section of the composed answer: asked within a deadline, answered somehow, and saying how."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Generic, Protocol, TypeVar

from prometheus_client import Counter, Histogram

from services.gateway.gate import Call, CircuitOpen, Gate
from services.gateway.lastgood import Remembered
from services.gateway.schemas import SectionName, Status
from services.kit.http import BackendError, BackendInvalid, BackendRefused, BackendTimeout
from services.kit.resilience import BulkheadFull, Deadline
from services.kit.telemetry import LATENCY_BUCKETS_S, current_request_id, get_logger

log = get_logger(__name__)

T = TypeVar("T")
U = TypeVar("U")

SECTION_REQUESTS = Counter(
    "kuajie_gateway_section_requests_total", "Sections of composed answers.", ["section", "status"]
)
SECTION_DURATION = Histogram(
    "kuajie_gateway_section_duration_seconds",
    "Time that a section took, whatever became of it.",
    ["section"],
    buckets=LATENCY_BUCKETS_S,
)

_counted = cache(SECTION_REQUESTS.labels)
_timed = cache(SECTION_DURATION.labels)
"""A metric's child is looked up once, and not on every request."""

Outcome = tuple[Status, T | None, int, str | None]
"""Status, value, age in milliseconds, reason."""

Failure = BackendError | CircuitOpen | BulkheadFull


class Shelf(Protocol[T]):
    """Where the last good answer of a section is kept, for exactly one question."""

    def remember(self, value: T) -> None: ...
    def recall(self) -> Remembered[T] | None: ...


@dataclass(frozen=True, slots=True)
class Section(Generic[T]):
    """What a section answered (None when nothing) and how. Times are in milliseconds."""

    status: Status
    value: T | None = None
    latency_ms: int = 0
    age_ms: int = 0
    reason: str | None = None

    @property
    def failed(self) -> bool:
        """Whether there is no answer, not even an old or a common one."""
        return self.status in {"timeout", "error", "shed"}

    def with_value(self, value: U | None) -> "Section[U]":
        """The same report on another value."""
        return Section(self.status, value, self.latency_ms, self.age_ms, self.reason)


def skipped(name: SectionName, reason: str) -> Section[T]:
    """A section that nobody asked for, or that there was nothing to ask."""
    _counted(name, "skipped").inc()
    return Section("skipped", reason=reason)


async def section(
    call: Call[T],
    *,
    name: SectionName,
    gate: Gate,
    within: Deadline,
    stale: Shelf[T] | None = None,
    fallback: Callable[[], Remembered[T] | None] | None = None,
) -> Section[T]:
    """Ask, and when there is no answer, take the last good one (`stale`), then what is good for everybody (`fallback`)."""
    started = time.monotonic()
    try:
        value = await gate.ask(call, within)
    except (BackendError, CircuitOpen, BulkheadFull) as failure:
        substitute = _substitute(failure, stale, fallback)
        _report(name, failure, substitute[0])
        return _timed_section(name, started, *substitute)
    if stale is not None:
        stale.remember(value)
    return _timed_section(name, started, "ok", value, 0, None)


def _report(name: SectionName, failure: Failure, shown: Status) -> None:
    """Say each failure of a back end; what an open breaker or a full bulkhead keeps from it is only counted."""
    if isinstance(failure, BackendError):
        _, reason = failure_of(failure)
        log.warning("section_failed", section=name, reason=reason, shown=shown, request_id=current_request_id())


def _timed_section(
    name: SectionName, started: float, status: Status, value: T | None, age_ms: int, reason: str | None
) -> Section[T]:
    seconds = time.monotonic() - started
    _counted(name, status).inc()
    _timed(name).observe(seconds)
    return Section(status, value, round(seconds * 1000), age_ms, reason)


def _substitute(
    failure: Failure, stale: Shelf[T] | None, fallback: Callable[[], Remembered[T] | None] | None
) -> Outcome[T]:
    status, reason = failure_of(failure)
    if isinstance(failure, BackendRefused) and failure.status < 500 and status != "shed":
        return status, None, 0, reason  # It was refused, not missed: an older answer would go around the refusal.
    if stale is not None and (kept := stale.recall()):
        return "stale", kept.value, kept.age_ms, reason
    if fallback is not None and (common := fallback()):
        return "fallback", common.value, common.age_ms, reason
    return status, None, 0, reason


def failure_of(failure: Failure) -> tuple[Status, str]:
    """The status and the reason that a failure gives a section."""
    if isinstance(failure, CircuitOpen):
        return "error", "circuit_open"
    if isinstance(failure, BulkheadFull):
        return "shed", "bulkhead_full"
    if isinstance(failure, BackendTimeout):
        return "timeout", "deadline_exceeded"
    if isinstance(failure, BackendInvalid):
        return "error", "invalid_answer"
    if isinstance(failure, BackendRefused):
        return _REFUSALS.get(failure.status, "error"), failure.code
    return "error", "backend_unavailable"


_REFUSALS: dict[int, Status] = {429: "shed", 504: "timeout"}
