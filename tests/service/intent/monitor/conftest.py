"""The API of monitoring alone, its database, and somebody who is told."""

from collections.abc import AsyncIterator

import httpx
import pytest

from services.intent.app import create_app
from services.kit.database import Database
from tests.service.intent.conftest import Headers, MakeSettings, OpenClient
from tests.service.intent.monitor.receiving import KEYS
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
