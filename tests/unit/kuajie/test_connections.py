"""Connections that keep the server waiting."""

import asyncio

import pytest

from tests.unit.kuajie.connecting import HEAD, LEFT, Hasty, connected


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
