"""A connection that keeps the server waiting only so long, holds only so much, and tells requests when their caller has left.

uvicorn waits for ever for a request that does not come, or not to its end, and for whoever does not read; it takes heads of any
length, and loses the body of a request that offers another protocol.
"""

import asyncio
from collections import deque
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from services.kit.disconnect import DEPARTURE, Departure
from services.kit.errors import PROBLEM_JSON, problem_document

MOST_READ_AHEAD = 8
"""Requests that wait behind one without its answer before no more is read of a connection."""
MOST_AT_ONCE = 256
"""Requests that may wait: a single read can bring thousands."""
MOST_HEAD = 64 * 1024
"""Bytes of a request's headers."""

GRACE_S = 5
"""What running requests have when the process ends."""
_SAID = {
    400: ("bad_request", "This is no request of HTTP/1.1."),
    429: ("too_many_ahead", f"More than {MOST_AT_ONCE} requests wait on this connection."),
    431: ("head_too_large", f"The request's headers are larger than {MOST_HEAD} bytes."),
    503: ("unavailable", "This process ends before the answer is ready."),
}


class HeadTooLarge(Exception):
    """More headers than anybody reads."""


class TooManyAhead(Exception):
    """More requests than a connection lets wait."""


_REFUSED: dict[type[Any], int] = {HeadTooLarge: 431, TooManyAhead: 429}


class Reading(FlowControl):
    """Goes on only while few requests wait: uvicorn reads on after every answer, however many it has read."""

    def __init__(self, transport: asyncio.Transport, waiting: deque[Any]) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if len(self._waiting) < MOST_READ_AHEAD:
            super().resume_reading()


class Connection(HttpToolsProtocol):
    """Closed where a request's head, or what is left of a body after its answer, takes longer than `patience_s`, and where nothing
    of an answer is taken for `unread_s`. When the process ends, whoever has no answer after `ending_s` is told so.

    A body that the application still reads has that request's deadline. Idle connections end by uvicorn's own keep-alive time.
    """

    patience_s = 10.0
    unread_s = 60.0
    ending_s = GRACE_S - 0.5
    _waiting: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _begun = False
    """Whether the bytes at hand have begun a request."""
    _in_head = False
    _head = 0
    """Bytes of the headers that have come to their end."""
    _unfinished = 0
    """Bytes of the head that came without one of those before it."""
    _between = True
    """Whether no byte of a further request has come."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = Reading(transport, self.pipeline)
        self._departure = Departure()
        self._wait()

    def data_received(self, data: bytes) -> None:
        """A request that comes as a whole costs no timer."""
        self._begun = False
        self._unset_keepalive_if_required()
        try:
            self._parse(data)
        except HttpParserError as error:
            self._refuse(_REFUSED.get(type(error.__context__), 400))
            return
        if self._in_head and not self._begun:
            self._unfinished += len(data)  # of a header that has not come to its end the parser tells nothing
            if self._unfinished > MOST_HEAD:
                self._refuse(431)
                return
        if (self._in_head and not self._owes) or (self._is_idle and not self._begun):
            self._wait()

    def _parse(self, data: bytes) -> None:
        rest: bytes | memoryview = data
        while rest:
            try:
                self.parser.feed_data(rest)
            except HttpParserUpgrade as offer:
                if self.parser.get_method() == b"CONNECT":
                    raise HttpParserError from offer
                rest = memoryview(rest)[offer.args[0] :]
                head = self._declined()
                self.parser.feed_data(head)
            else:
                return

    def _declined(self) -> bytes:
        """The head of a request that offers another protocol (Java's client does, and `curl --http2`), for a new parser, without
        the offer: the parser took what comes behind it for bytes of that protocol.
        """
        line = b"%s %s HTTP/%s\r\n" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        self.parser = HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        kept = [b"%s: %s\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        return b"".join([line, *kept, b"\r\n"])

    def _refuse(self, status: int) -> None:
        """Say what is wrong with the request at hand, where that cannot be taken for the answer to another, and hang up."""
        self.logger.warning(_SAID[status][1])
        if not self._owes or not (self._in_head or self._has_to_wait):
            self._say(status)
        self._close()

    def _say(self, status: int) -> None:
        body = problem_document(status, *_SAID[status])
        told = [*self.server_state.default_headers, (b"content-type", PROBLEM_JSON.encode())]
        told += [(b"content-length", b"%d" % len(body)), (b"connection", b"close")]
        told += [(b"retry-after", b"1")] if status == 503 else []
        lines = [STATUS_LINE[status], *(b"%s: %s\r\n" % each for each in told), b"\r\n"]
        self.transport.write(b"".join([*lines, body]))

    def shutdown(self) -> None:
        super().shutdown()
        if self._owes:
            self.loop.call_later(self.ending_s, self._end)

    def _end(self) -> None:
        """uvicorn would cancel the request, and answer 500."""
        if self._owes and not self._has_to_wait and not self.transport.is_closing():
            self._say(503)
            self._close()

    @property
    def _owes(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _has_to_wait(self) -> bool:
        """Whether what is said now would be taken for a part of an answer, or for the answer to a request before."""
        return bool(self.pipeline) or self.cycle.response_started

    @property
    def _is_idle(self) -> bool:
        """Whether it owes no answer and no byte of a further request has come."""
        return self._between and not self._owes

    def on_message_begin(self) -> None:
        self._begun, self._in_head, self._between = True, True, False
        self._head = self._unfinished = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # behind a body in chunks; nobody reads it, and it must not look like a header
        self._head += len(name) + len(value) + 4  # a colon, a blank, the end of the line
        if self._head > MOST_HEAD:
            raise HeadTooLarge
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        super().on_headers_complete()
        self._in_head = False
        if len(self.pipeline) > MOST_AT_ONCE:
            raise TooManyAhead
        self._have()
        self.flow.resume_reading()
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope[DEPARTURE] = self._departure

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._between = True
        self._have()
        super().on_message_complete()
        self.flow.resume_reading()  # a large body has stopped it, and who does not read sees nobody hang up

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._watch()
        elif not self._between and self.cycle.response_complete:
            self._wait()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        task = self.loop.create_task(cycle.run_asgi(app))
        task.add_done_callback(self.tasks.discard)
        task.add_done_callback(self._watch_end)
        self.tasks.add(task)

    def _watch_end(self, _: asyncio.Task[None]) -> None:
        """An application that fails in the middle of its answer has it closed without a word here."""
        if self.transport.is_closing():
            self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unwatch()
        if self.transport.is_closing():
            self._watch()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._have()
        super().connection_lost(exc)
        self._unwatch()
        self._departure.happens()

    def _wait(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(self.patience_s, self._close)

    def _have(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _close(self) -> None:
        self.transport.close()
        self._watch()

    def _watch(self) -> None:
        """While nothing is added to what the caller has not read, that has to become less."""
        if self._unread is None and (unread := self.transport.get_write_buffer_size()):
            self._unread = self.loop.call_later(self.unread_s, self._look, unread)

    def _look(self, before: int) -> None:
        self._unread = None
        if self.transport.get_write_buffer_size() < before:
            self._watch()
        else:
            self.transport.abort()

    def _unwatch(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
