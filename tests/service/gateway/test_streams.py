"""Exports and imports: they flow through the edge, and break off on both sides when one does."""

import asyncio
import io

import aiohttp
import pytest
from aiohttp import web


async def test_an_export_flows_while_it_is_made(served, stubs, key):
    more = asyncio.Event()

    async def export(request):
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        await response.write(b'{"n": 1}\n')
        await more.wait()
        await response.write(b'{"n": 2}\n')
        return response

    stubs["profile"].on["/v1/events/export"] = export
    async with aiohttp.ClientSession() as session, session.get(f"{served}/v1/events/export", headers=key) as answer:
        assert (answer.status, answer.content_type) == (200, "application/x-ndjson")
        assert await answer.content.readline() == b'{"n": 1}\n'
        more.set()
        assert await answer.content.readline() == b'{"n": 2}\n'


async def test_an_export_that_breaks_off_breaks_off_for_the_caller_too(served, stubs, key):
    async def export(request):
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        await response.write(b'{"n": 1}\n')
        request.transport.abort()
        return response

    stubs["profile"].on["/v1/events/export"] = export
    async with aiohttp.ClientSession() as session, session.get(f"{served}/v1/events/export", headers=key) as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_an_export_nobody_reads_any_more_is_ended(served, stubs, key):
    async def export(request):
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        while True:
            await response.write(b'{"n": 1}\n')
            await asyncio.sleep(0.01)

    stubs["profile"].on["/v1/events/export"] = export
    async with aiohttp.ClientSession() as session, session.get(f"{served}/v1/events/export", headers=key) as answer:
        await answer.content.readline()
    async with asyncio.timeout(30):
        while not stubs["profile"].aborted:
            await asyncio.sleep(0.01)


async def test_an_export_that_is_refused_is_a_problem(gateway, stubs, key, answer_problem):
    async def refuse(_):
        return answer_problem(403, "forbidden")

    stubs["profile"].on["/v1/events/export"] = refuse
    answer = await gateway.get("/v1/events/export", headers=key)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_an_export_of_a_dead_back_end_is_503(gateway, stubs, key):
    await stubs["profile"].die()
    answer = await gateway.get("/v1/events/export", headers=key)
    assert (answer.status_code, answer.json()["code"]) == (503, "backend_unavailable")


@pytest.mark.parametrize("declared", [True, False])
async def test_an_import_larger_than_a_body_is_passed_on(served, stubs, key, declared):
    lines = b'{"row": 1, "user_id": "u1"}\n' * 100_000
    received = []

    async def take(request):
        received.append(await request.read())
        return web.json_response({"read": 100_000})

    async def pieces():
        for start in range(0, len(lines), 50_000):
            yield lines[start : start + 50_000]

    stubs["profile"].on["/v1/events/import"] = take
    sent = key | {"Content-Type": "application/x-ndjson"}
    async with aiohttp.ClientSession() as session:
        url = f"{served}/v1/events/import?dry_run=true"
        answer = await session.post(url, data=io.BytesIO(lines) if declared else pieces(), headers=sent)
        assert (answer.status, await answer.json()) == (200, {"read": 100_000})
    assert received == [lines]
    seen = stubs["profile"].seen[0]
    assert (seen.query["dry_run"], seen.content_type) == ("true", "application/x-ndjson")


@pytest.mark.parametrize("declared", [True, False])
async def test_an_import_over_its_limit_is_413(settings, stubs, key, app_client, declared):
    from services.gateway.app import create_app

    async def take(request):
        await request.read()
        return web.json_response({})

    async def pieces():
        for _ in range(20):
            yield b"x" * 10_000

    stubs["profile"].on["/v1/events/import"] = take
    async with app_client(create_app(settings(max_import_bytes=100_000))) as gateway:
        content = b"x" * 200_000 if declared else pieces()
        answer = await gateway.post("/v1/events/import", content=content, headers=key)
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
