"""What a request carries and what is seen of it: request id, W3C trace context, JSON logs, RED metrics."""

import logging
import random
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import suppress
from contextvars import ContextVar
from types import TracebackType
from typing import TextIO, cast

import structlog
from prometheus_client import Counter, Gauge, Histogram

from services.kit.ids import new_id

LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.4, 0.6, 1.0, 2.5, 5.0, 30.0)

REQUESTS = Counter("kuajie_http_requests_total", "Requests answered.", ["service", "method", "route", "status"])
DURATION = Histogram(
    "kuajie_http_request_duration_seconds",
    "Time from the first byte in to the last byte out.",
    ["service", "method", "route"],
    buckets=LATENCY_BUCKETS_S,
)
IN_FLIGHT = Gauge("kuajie_http_requests_in_flight", "Requests being answered now.", ["service"])

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


class Trace:
    """The ids that travel with a request."""

    __slots__ = ("_given", "_traceparent", "request_id")

    def __init__(self, request_id: str, given: str | None) -> None:
        """`given` is the caller's traceparent, whatever it says."""
        self.request_id = request_id
        self._given = given
        self._traceparent = ""

    @property
    def traceparent(self) -> str:
        """W3C Trace Context level 1: the caller's trace where it is well formed, else a new one, and a span id of this request.

        Made when it is asked for, since most requests call nobody. Nothing is secret about it, so it is drawn without asking the
        kernel: each such call gives the interpreter's lock away, and in a profile of a busy core it took the event loop a
        millisecond to have it back.
        """
        if not self._traceparent:
            match = _TRACEPARENT.fullmatch(self._given or "")
            known = match and match[1] != "0" * 32 and match[2] != "0" * 16
            trace_id, flags = (match[1], match[3]) if match and known else (f"{random.getrandbits(128):032x}", "00")
            self._traceparent = f"00-{trace_id}-{random.getrandbits(64):016x}-{flags}"
        return self._traceparent


_trace: ContextVar[Trace | None] = ContextVar("kuajie_trace", default=None)


def begin_trace(request_id: str | None, traceparent: str | None) -> Trace:
    """Adopt the caller's ids where they are well formed, else make new ones."""
    rid = request_id if request_id and _REQUEST_ID.fullmatch(request_id) else new_id("req")
    trace = Trace(rid, traceparent)
    _trace.set(trace)
    return trace


def current_trace() -> Trace:
    """The trace of the request at hand; a fresh one outside of any request."""
    return _trace.get() or begin_trace(None, None)


def current_request_id() -> str:
    """The id that the caller finds in `X-Request-Id` and in every problem document."""
    return current_trace().request_id


class _Spoken:
    """Standard error. What it does not take (a full disk, a reader who has gone) is lost, and ends nobody's work."""

    def write(self, text: str) -> None:
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


_SPOKEN = _Spoken()


def configure_logging(level: str) -> None:
    """JSON lines on standard error, one object an event. Safe to call more than once."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(told_without_values),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _SPOKEN)),
        cache_logger_on_first_use=False,
    )


_OF_CODE = (RuntimeError, TypeError, AttributeError, NameError, ImportError, MemoryError)
"""Whose messages speak of code. Others quote what was read: a number that is none, a key that is missing, a row that is refused."""

_WITH_MESSAGE = ("services.", "kuajie.", "onnxruntime.")

_Raised = tuple[type[BaseException], BaseException, TracebackType | None]


def told_without_values(exc_info: _Raised) -> str:
    """A traceback as the interpreter prints it, without the messages that may hold personal data."""
    return "".join(_paragraphs(exc_info[1])).rstrip()


def _paragraphs(error: BaseException) -> Iterator[str]:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _paragraphs(cause)
        yield "\nWhile that was handled, or because of it:\n\n"
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    kind = type(error)
    yield f"{kind.__module__}.{kind.__qualname__}{_message(error)}\n"
    for each in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _paragraphs(each)


def _message(error: BaseException) -> str:
    """Of what PostgreSQL says only its code and the names in it: its details quote whole rows."""
    if isinstance(error, OSError):
        return f": {error.strerror}" if error.strerror else ""
    if (state := getattr(error, "sqlstate", None)) is not None:
        named = (getattr(error, name, None) for name in ("table_name", "column_name", "constraint_name"))
        return ": " + " ".join([str(state), *(each for each in named if each)])
    told = isinstance(error, _OF_CODE) or type(error).__module__.startswith(_WITH_MESSAGE)
    return f": {error}" if told else ""


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A structured logger. Personal data, user ids and texts included, is never passed to it."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(module=name)
    return logger
