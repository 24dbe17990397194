"""Probes and scrapes."""

import asyncio
import gc
from types import SimpleNamespace
from typing import Any

from fastapi import FastAPI

from services.intent import app as intent
from services.intent.app import create_app
from services.kit.settings import SharedSettings
from tests.service.intent.conftest import MakeSettings, OpenClient, until_ready


async def test_probes_and_scrapes_have_their_own_time(
    app_client: OpenClient, make_settings: MakeSettings, shared_settings: SharedSettings
) -> None:
    hurried = shared_settings.model_copy(update={"default_deadline_ms": 1})
    async with app_client(create_app(make_settings(shared=hurried))) as client:
        del client.headers["X-Request-Deadline-Ms"]
        await until_ready(client)
        assert (await client.get("/metrics")).status_code == 200


async def test_a_look_at_the_database_that_fails_when_it_is_given_up_is_nobodys_exception() -> None:
    ended = asyncio.Event()

    async def ready(_: object) -> list[str]:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
            raise ConnectionError

    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    app = FastAPI()
    app.state.resources = SimpleNamespace(db=SimpleNamespace(ready=ready), registry=SimpleNamespace(not_ready=list))
    assert await intent._ready(app) == []
    await ended.wait()
    await asyncio.sleep(0)
    gc.collect()
    assert told == []
