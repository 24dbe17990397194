"""The intent application's settings over real stores, and what reads it from outside."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from services.intent.settings import IntentSettings
from services.kit.settings import SharedSettings

MakeSettings = Callable[..., IntentSettings]
OpenClient = Callable[[FastAPI], AbstractAsyncContextManager[httpx.AsyncClient]]
Headers = Callable[..., dict[str, str]]


@pytest.fixture
def make_settings(make_database: Callable[[str], str], shared_settings: SharedSettings) -> MakeSettings:
    """`make_settings(queue_texts=64)`: the keyword model over an empty database, unless told otherwise."""
    stored = {"database_url": make_database("intent"), "shared": shared_settings}

    def make(**changes: Any) -> IntentSettings:
        return IntentSettings(**{"model": "keyword", **stored, **changes})

    return make


async def until_ready(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(60):
        while (await client.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.01)


async def metric(client: httpx.AsyncClient, sample: str, **labels: str) -> float:
    """The sum of a sample over its label sets that agree with `labels`."""
    families = text_string_to_metric_families((await client.get("/metrics")).text)
    found = [each for family in families for each in family.samples if each.name == sample]
    return sum(each.value for each in found if labels.items() <= each.labels.items())


@asynccontextmanager
async def difference(client: httpx.AsyncClient, sample: str, **labels: str) -> AsyncIterator[list[float]]:
    """Holds, after the block, by how much the sample rose in it. The registry outlives a test."""
    rise: list[float] = []
    before = await metric(client, sample, **labels)
    yield rise
    rise.append(await metric(client, sample, **labels) - before)


@asynccontextmanager
async def listening(app: FastAPI) -> AsyncIterator[str]:
    """The service on a real socket of the loopback."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False))
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(60):
        while not server.started:
            await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
