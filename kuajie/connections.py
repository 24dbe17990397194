"""A connection that keeps the server waiting only so long, and tells requests when their caller has left.

uvicorn waits for ever for a request that does not come, or not to its end.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.kit.disconnect import DEPARTURE, Departure

MOST_READ_AHEAD = 8
"""Requests that are read of a connection while it owes the answer to one before: no more wait in memory."""


class Connection(HttpToolsProtocol):
    """Closed where a request's head, or what is left of a body after its answer, takes longer than `patience_s`.

    A body that the application still reads has that request's deadline. Idle connections end by uvicorn's own keep-alive time.
    """

    patience_s = 10.0
    _waiting: asyncio.TimerHandle | None = None
    _begun = False
    """Whether the bytes at hand have begun a request."""
    _in_head = False
    _between = True
    """Whether no byte of a further request has come."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._departure = Departure()
        self._wait()

    def data_received(self, data: bytes) -> None:
        """A request that comes as a whole costs no timer."""
        self._begun = False
        super().data_received(data)
        if self._in_head or (self._is_idle and not self._begun):
            self._wait()

    @property
    def _is_idle(self) -> bool:
        """Whether it owes no answer and no byte of a further request has come."""
        return self._between and (self.cycle is None or self.cycle.response_complete)

    def on_message_begin(self) -> None:
        self._begun, self._in_head, self._between = True, True, False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._have()
        super().on_headers_complete()
        self._read_on()
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope[DEPARTURE] = self._departure

    def on_message_complete(self) -> None:
        self._between = True
        self._have()
        super().on_message_complete()
        self._read_on()

    def _read_on(self) -> None:
        """A large body has stopped it, or a request ahead of its turn; and who does not read sees nobody hang up."""
        if len(self.pipeline) < MOST_READ_AHEAD:
            self.flow.resume_reading()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._between and self.cycle.response_complete:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._have()
        super().connection_lost(exc)
        self._departure.happens()

    def _wait(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(self.patience_s, self.transport.close)

    def _have(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
