"""An application behind our connections, over a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import Receive, Scope, Send

from kuajie.connections import Connection
from services.kit.asgi import whole_body
from services.kit.disconnect import ClientGone, while_connected

HEAD = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"


class Hasty(Connection):
    patience_s = 0.05
    unread_s = 0.2
    ending_s = 0.2


class Roomy(Hasty):
    """Takes all of an answer that is to be sent, and never asks to wait."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=2 * len(LARGE))


LEFT: list[str] = []
HEADERS: list[bytes] = []
LARGE = bytes(64 * 1024 * 1024)
"""More than a kernel keeps for who does not read."""


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers at once under /early, never under /late, with much under /large, with as much and then an error under /broken, and
    elsewhere, late under /slow, with the body when all of it is there.
    """
    if scope["path"] == "/late":
        await whole_body(receive)
        try:
            await while_connected(scope, receive, asyncio.sleep(60))
        except ClientGone:
            LEFT.append(scope["path"])
        return
    body = b"early" if scope["path"] == "/early" else await whole_body(receive)
    if scope["path"] == "/slow":
        await asyncio.sleep(3 * Hasty.patience_s)
    HEADERS[:] = [name for name, _ in scope["headers"]]
    body = LARGE if scope["path"] == "/large" else body
    head = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    if scope["path"] == "/broken":
        await send({"type": "http.response.body", "body": LARGE, "more_body": True})
        raise RuntimeError("in the middle of an answer")
    await send({"type": "http.response.body", "body": body})


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(connection: type[Connection] = Hasty) -> AsyncIterator[Streams]:
    async with asyncio.timeout(60), serving(connection) as server:
        reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
        try:
            yield reader, writer
        finally:
            writer.close()


@asynccontextmanager
async def serving(connection: type[Connection] = Hasty) -> AsyncIterator[uvicorn.Server]:
    config = uvicorn.Config(application, port=0, http=connection, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(60):
        while not server.started:
            await asyncio.sleep(0.01)
    try:
        yield server
    finally:
        server.should_exit = True
        await task
