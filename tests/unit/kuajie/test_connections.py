"""Connections that keep the server waiting, over a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from kuajie.connections import Connection
from services.kit.asgi import whole_body
from services.kit.disconnect import ClientGone, while_connected

HEAD = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"


class Hasty(Connection):
    patience_s = 0.05


LEFT: list[str] = []


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers at once under /early, never under /late, and elsewhere, late under /slow, with the body when all of it is there."""
    if scope["path"] == "/late":
        await whole_body(receive)
        try:
            await while_connected(scope, receive, asyncio.sleep(60))
        except ClientGone:
            LEFT.append(scope["path"])
        return
    body, more = b"early", scope["path"] != "/early"
    if more:
        body = b""
    while more:
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    if scope["path"] == "/slow":
        await asyncio.sleep(3 * Hasty.patience_s)
    head = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    config = uvicorn.Config(application, port=0, http=Hasty, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(60):
        while not server.started:
            await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
        try:
            yield reader, writer
        finally:
            writer.close()
            server.should_exit = True
            await task


async def test_a_connection_that_says_nothing_is_closed() -> None:
    async with connected() as (reader, _):
        assert await reader.read() == b""


async def test_half_a_head_is_not_waited_for() -> None:
    async with connected() as (reader, writer):
        writer.write((HEAD % b"/")[:30])
        assert await reader.read() == b""


async def test_the_rest_of_a_body_that_was_answered_is_not_waited_for() -> None:
    async with connected() as (reader, writer):
        writer.write(HEAD % b"/early" + b"ab")
        assert (await reader.read()).endswith(b"\r\n\r\nearly")


async def test_blank_lines_between_requests_keep_no_connection_open() -> None:
    async with connected() as (reader, writer):
        writer.write(HEAD % b"/" + b"abcd")
        assert (await reader.readuntil(b"abcd")).startswith(b"HTTP/1.1 200 OK")
        writer.write(b"\r\n")
        assert await reader.read() == b""


async def test_a_body_that_the_application_waits_for_may_take_longer() -> None:
    async with connected() as (reader, writer):
        for part in (HEAD % b"/", b"ab", b"cd"):
            writer.write(part)
            await asyncio.sleep(3 * Hasty.patience_s)
        assert (await reader.readuntil(b"abcd")).startswith(b"HTTP/1.1 200 OK")


async def test_so_may_that_of_a_request_which_begins_before_the_answer_to_the_one_before() -> None:
    async with connected() as (reader, writer):
        writer.write(HEAD % b"/slow" + b"abcd" + HEAD % b"/")
        await reader.readuntil(b"abcd")
        await asyncio.sleep(3 * Hasty.patience_s)
        writer.write(b"efgh")
        assert (await reader.readuntil(b"efgh")).startswith(b"HTTP/1.1 200 OK")


async def test_an_answer_to_a_body_that_came_behind_its_head_may_take_longer() -> None:
    async with connected() as (reader, writer):
        writer.write(HEAD % b"/slow")
        await asyncio.sleep(0.02)
        writer.write(b"abcd")
        assert (await reader.readuntil(b"abcd")).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("size", [4, 200_000])
async def test_work_ends_when_its_connection_does(size: int) -> None:
    """uvicorn stops reading while more than 64 KiB of a body wait."""
    LEFT.clear()
    async with connected() as (reader, writer):
        writer.write(HEAD % b"/" + b"abcd")
        assert (await reader.readuntil(b"abcd")).startswith(b"HTTP/1.1 200 OK")
        writer.write((HEAD % b"/late").replace(b"4", b"%d" % size))
        await asyncio.sleep(0.02)
        writer.write(b"a" * size)
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.close()
        async with asyncio.timeout(10):
            while not LEFT:
                await asyncio.sleep(0.001)


async def test_requests_ahead_of_their_turn_are_answered_in_order() -> None:
    async with connected() as (reader, writer):
        writer.write(HEAD % b"/slow" + b"late")
        await asyncio.sleep(0.02)
        writer.write(b"".join(HEAD % b"/" + b"%04d" % number for number in range(50)))
        for body in [b"late", *(b"%04d" % number for number in range(50))]:
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")
            assert await reader.readexactly(4) == body


@pytest.mark.parametrize("of_the_next", [55, 53])
async def test_work_ends_when_its_connection_does_though_a_further_request_waits(of_the_next: int) -> None:
    LEFT.clear()
    request = HEAD % b"/late" + b"abcd"
    async with connected() as (_, writer):
        writer.write(request)
        await asyncio.sleep(0.02)
        writer.write(request[:of_the_next])
        await asyncio.sleep(0.02)
        writer.close()
        async with asyncio.timeout(10):
            while not LEFT:
                await asyncio.sleep(0.001)
