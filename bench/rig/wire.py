"""A caller that costs next to nothing: HTTP/1.1 over kept connections, a request's bytes made before, no headers read but two.

A client library would take as long a request as the servers that are measured do, and its own queue would be in their figures.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from bench.rig.servers import JSON, Server

KEPT_S = 2.0
"""Servers close what was idle for five seconds."""

_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """`seconds` from asking, a connection included where one had to be made, to the last byte, taken where that arrives."""

    status: int
    body: bytes
    seconds: float


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._received = b""
        self._asked = self._answered = 0.0

    def is_fresh(self, now: float) -> bool:
        """Whether it may be used again; else it is closed."""
        if self._transport is None or self._transport.is_closing():
            return False
        if now - self._answered > KEPT_S:
            self._transport.close()
            return False
        return True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def ask(self, request: bytes, asked: float) -> "asyncio.Future[Answer]":
        """`asked` is the moment from which its seconds count."""
        assert self._transport is not None
        self._waiter = asyncio.get_running_loop().create_future()
        self._received = b""
        self._asked = asked
        self._transport.write(request)
        return self._waiter

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(_END)
        if not found or self._waiter is None or len(body) < _length(head):
            return
        self._answered = time.perf_counter()
        if not self._waiter.done():
            self._waiter.set_result(Answer(int(head[9:12]), body, self._answered - self._asked))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(exc or ConnectionError("closed before the answer was whole"))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _length(head: bytes) -> int:
    """Bytes of the body; ValueError when the head does not say."""
    _, found, rest = head.lower().partition(b"content-length:")
    if not found:
        raise ValueError("an answer without content-length")
    return int(rest.split(b"\r\n", 1)[0])


class Wire:
    """Connections to one server, as many as there are requests under way. Use as `async with Wire(server) as wire`."""

    def __init__(self, server: Server) -> None:
        parts = urlsplit(server.url)
        self._place = (parts.hostname or "", parts.port or 80)
        self._path = parts.path
        self._server = server
        self._idle: list[Connection] = []

    async def __aenter__(self) -> "Wire":
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self._idle:
            connection.close()

    def request(self, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
        """The bytes of one POST."""
        host, port = self._place
        lines = {"Host": f"{host}:{port}", "Content-Length": str(len(body)), **JSON, **self._server.headers}
        told = "".join(f"{name}: {value}\r\n" for name, value in {**lines, **(headers or {})}.items())
        return f"POST {self._path} HTTP/1.1\r\n{told}\r\n".encode() + body

    async def ask(self, request: bytes) -> Answer:
        """One exchange; ConnectionError when the server hangs up."""
        asked = time.perf_counter()
        connection = await self._connection()
        answer = await connection.ask(request, asked)
        self._idle.append(connection)
        return answer

    async def _connection(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_fresh(time.perf_counter()):
                return connection
        _, connection = await asyncio.get_running_loop().create_connection(Connection, *self._place)
        return connection


async def awake(wire: Wire) -> None:
    """Until it answers; TimeoutError after a minute."""
    request = wire.request(b'{"texts": ["hi"]}')
    async with asyncio.timeout(60):
        while True:
            try:
                if (await wire.ask(request)).status == 200:
                    return
            except OSError:
                pass
            await asyncio.sleep(0.1)
