"""The benchmarks' caller, against a server that says what it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bench.rig.servers import Server
from bench.rig.wire import Wire

WHOLE = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 4\r\n\r\nbusy"


@asynccontextmanager
async def answering(*pieces: bytes) -> AsyncIterator[tuple[Server, list[bytes]]]:
    """Answers each request with `pieces`, one write each, and hangs up after none."""
    seen: list[bytes] = []
    ended = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.read(65_536):
            seen.append(head)
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.01)
            if not pieces:
                break
        writer.close()
        await writer.wait_closed()
        ended.set()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield Server("told", f"http://127.0.0.1:{port}/v1/understand", 0, {"Authorization": "Bearer x"}), seen
        await ended.wait()


@pytest.mark.parametrize("pieces", [(WHOLE,), (WHOLE[:9], WHOLE[9:40], WHOLE[40:-1], WHOLE[-1:])])
async def test_an_answer_is_whole_however_it_comes(pieces: tuple[bytes, ...]) -> None:
    async with answering(*pieces) as (server, seen), Wire(server) as wire:
        request = wire.request(b"{}", {"X-Request-Deadline-Ms": "400"})
        first, second = await wire.ask(request), await wire.ask(request)
    assert (first.status, first.body) == (second.status, second.body) == (429, b"busy")
    assert first.seconds > 0
    assert seen == [request, request]
    lines = request.decode().split("\r\n")
    assert lines[0] == "POST /v1/understand HTTP/1.1"
    assert {"Content-Length: 2", "X-Request-Deadline-Ms: 400", "Authorization: Bearer x"} <= set(lines)
    assert lines[-2:] == ["", "{}"]


async def test_a_server_that_hangs_up_is_an_error() -> None:
    async with answering() as (server, _), Wire(server) as wire:
        with pytest.raises(ConnectionError):
            await wire.ask(wire.request(b"{}"))
