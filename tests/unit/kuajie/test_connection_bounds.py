"""What a connection takes of a request, and how long it holds an answer that nobody reads."""

import asyncio
import json

import pytest

from kuajie.connections import MOST_AT_ONCE, MOST_HEAD, Connection
from tests.unit.kuajie.connecting import HEAD, HEADERS, LEFT, Roomy, connected, serving

OFFERS = [
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n",
    b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
]
"""What the client of Java's library sends with every first request to an http address; what a browser sends."""


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize("pieces", [1, 2, 3])
async def test_who_offers_another_protocol_is_answered_in_this_one(offer: bytes, pieces: int) -> None:
    head = HEAD[:-2] % b"/" + offer + b"\r\n"
    async with connected() as (reader, writer):
        for part in [[head + b"abcd"], [head, b"abcd"], [head[:60], head[60:] + b"ab", b"cd"]][pieces - 1]:
            writer.write(part)
            await asyncio.sleep(0.01)
        assert (await reader.readuntil(b"abcd")).startswith(b"HTTP/1.1 200 OK")
        assert b"content-length" in HEADERS
        assert b"upgrade" not in HEADERS
        writer.write(HEAD % b"/" + b"efgh" + head + b"ijkl" + head + b"mnop")
        for body in (b"efgh", b"ijkl", b"mnop"):
            assert (await reader.readuntil(body)).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "request_line", [b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\r\n"]
)
async def test_what_is_no_request_is_a_problem_document(request_line: bytes) -> None:
    async with connected() as (reader, writer):
        writer.write(request_line)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 Bad Request")
        assert b"content-type: application/problem+json" in head
        assert json.loads(body)["code"] == "bad_request"


@pytest.mark.parametrize("fields", [b"a: " + (MOST_HEAD + 1) * b"b", (MOST_HEAD // 6 + 1) * b"a: b\r\n"])
async def test_headers_over_the_limit_are_refused_before_they_have_come(fields: bytes) -> None:
    async with connected(Connection) as (reader, writer):
        writer.write((HEAD % b"/")[:-2])
        await asyncio.sleep(0.05)
        writer.write(fields)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 431 Request Header Fields Too Large")
        assert json.loads(body)["code"] == "head_too_large"


@pytest.mark.parametrize("piece", [MOST_HEAD * 2, 1_400])
async def test_headers_within_the_limit_are_taken(piece: int) -> None:
    request = (HEAD % b"/")[:-2] + b"a: " + (MOST_HEAD - 100) * b"b" + b"\r\n\r\nabcd"
    async with connected(Connection) as (reader, writer):
        for place in range(0, len(request), piece):
            writer.write(request[place : place + piece])
            await asyncio.sleep(0.001)
        assert (await reader.readuntil(b"abcd")).startswith(b"HTTP/1.1 200 OK")


async def test_what_comes_behind_a_body_in_chunks_is_no_header() -> None:
    async with connected() as (reader, writer):
        writer.write(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\nX-Late: 1\r\n\r\n"
        )
        assert (await reader.readuntil(b"abcd")).startswith(b"HTTP/1.1 200 OK")
        assert HEADERS == [b"host", b"transfer-encoding"]


async def test_what_is_wrong_with_the_next_request_is_not_taken_for_the_answer_to_this_one() -> None:
    async with connected() as (reader, writer):
        writer.write(HEAD % b"/slow" + b"abcd" + b"nonsense\r\n\r\n")
        assert await reader.read() == b""


async def test_neither_is_a_bad_address_behind_it() -> None:
    async with connected() as (reader, writer):
        writer.write(HEAD % b"/slow" + b"abcd" + HEAD % b"http://a:999999/")
        assert await reader.read() == b""


async def test_a_running_answer_outlasts_the_slow_head_behind_it() -> None:
    async with connected() as (reader, writer):
        writer.write(HEAD % b"/slow" + b"abcd" + (HEAD % b"/")[:20])
        assert (await reader.readuntil(b"abcd")).startswith(b"HTTP/1.1 200 OK")
        assert await reader.read() == b""


async def test_only_so_many_requests_wait_behind_one() -> None:
    async with connected(Connection) as (reader, writer):
        writer.write(HEAD % b"/late" + b"abcd" + (MOST_AT_ONCE + 1) * (HEAD % b"/" + b"abcd"))
        assert await reader.read() == b""
    async with connected(Connection) as (reader, writer):
        writer.write(HEAD % b"/slow" + b"abcd" + MOST_AT_ONCE * (HEAD % b"/" + b"abcd"))
        for _ in range(MOST_AT_ONCE + 1):
            assert (await reader.readuntil(b"abcd")).startswith(b"HTTP/1.1 200 OK")


async def test_no_more_is_read_while_requests_wait_though_some_are_answered() -> None:
    async with asyncio.timeout(60), serving(Connection) as server:
        reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
        writer.write(50 * (HEAD % b"/slow" + b"abcd"))
        await reader.readuntil(b"abcd")
        [connection] = server.server_state.connections
        waiting: int = len(connection.pipeline)  # type: ignore[union-attr]
        writer.write(50 * (HEAD % b"/slow" + b"abcd"))
        await reader.readuntil(b"abcd")
        await asyncio.sleep(0.05)
        assert len(connection.pipeline) < waiting  # type: ignore[union-attr]
        writer.close()


async def test_who_reads_nothing_of_an_answer_that_failed_is_hung_up_on() -> None:
    async with asyncio.timeout(60), serving(Roomy) as server:
        reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname(), limit=1)
        writer.write(HEAD % b"/broken" + b"abcd")
        await reader.readexactly(1)
        while server.server_state.connections:
            await asyncio.sleep(0.01)
        writer.close()


@pytest.mark.parametrize("last", [b"", b"Connection: close\r\n"])
async def test_who_reads_nothing_of_an_answer_is_hung_up_on(last: bytes) -> None:
    async with asyncio.timeout(60), serving() as server:
        reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname(), limit=1)
        writer.write((HEAD % b"/large")[:-2] + last + b"\r\nabcd")
        await reader.readexactly(1)
        while server.server_state.connections:
            await asyncio.sleep(0.01)
        writer.close()


async def test_who_reads_slowly_gets_all_of_an_answer() -> None:
    async with asyncio.timeout(60), serving() as server:
        reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname(), limit=65_536)
        writer.write((HEAD % b"/large")[:-2] + b"Connection: close\r\n\r\nabcd")
        received = 0
        while piece := await reader.read(4 * 1024 * 1024):
            received += len(piece)
            await asyncio.sleep(0.002)
        assert received > 64 * 1024 * 1024
        writer.close()


async def test_who_has_no_answer_when_the_process_ends_is_told_so_and_its_work_ends() -> None:
    LEFT.clear()
    async with asyncio.timeout(60), serving() as server:
        reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
        writer.write(HEAD % b"/late" + b"abcd")
        await asyncio.sleep(0.05)
        server.should_exit = True
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 Service Unavailable")
        assert b"retry-after: 1" in head
        assert json.loads(body)["code"] == "unavailable"
        writer.close()
    assert LEFT == ["/late"]
