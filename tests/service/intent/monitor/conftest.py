"""The API of monitoring alone, its database, and somebody who is told."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from aiohttp import web

from services.intent.app import create_app
from services.intent.monitor.outbound import open_outbound
from services.intent.monitor.sealing import Sealer
from services.kit.database import Database
from tests.service.intent.conftest import Headers, MakeSettings, OpenClient
from tests.service.intent.monitor.receiving import KEYS, LAPTOP, Desk, Receiver
from tests.service.intent.monitor.surging import SCOPES


@pytest.fixture
async def db(make_settings: MakeSettings) -> AsyncIterator[Database]:
    database = Database.open(make_settings().database_url.get_secret_value())
    yield database
    await database.close()


@pytest.fixture
async def client(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings
) -> AsyncIterator[httpx.AsyncClient]:
    """The API alone: no worker looks for surges but the test."""
    settings = make_settings(roles=frozenset({"api"}), sealing_keys=KEYS)
    async with app_client(create_app(settings)) as client:
        client.headers.update(internal_headers(*SCOPES, subject="desk"))
        yield client


@pytest.fixture
async def hook(client: httpx.AsyncClient) -> str:
    answer = await client.post("/v1/monitor/webhooks", json={"url": "https://hooks.example.com/kuajie"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["webhook_id"])


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    found = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", found.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


@pytest.fixture
async def desk(app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings) -> AsyncIterator[Desk]:
    settings = make_settings(
        roles=frozenset({"api"}), sealing_keys=KEYS, webhook_allow_http=True, webhook_allow_private=True
    )
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(app_client(create_app(settings)))
        client.headers.update(internal_headers("monitor:webhooks"))
        db = Database.open(settings.database_url.get_secret_value())
        stack.push_async_callback(db.close)
        outbound = await stack.enter_async_context(open_outbound(LAPTOP))
        yield Desk(client, db, outbound, Sealer(KEYS))
