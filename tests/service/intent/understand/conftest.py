"""The service with its keyword model, and who asks it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from services.intent.app import create_app
from services.intent.settings import IntentSettings
from tests.service.intent.conftest import (
    Headers,
    MakeSettings,
    OpenClient,
    until_ready,
)


@pytest.fixture
def settings(make_settings: MakeSettings) -> IntentSettings:
    return make_settings()


@pytest.fixture
async def client(
    app_client: OpenClient, internal_headers: Headers, settings: IntentSettings
) -> AsyncIterator[httpx.AsyncClient]:
    async with app_client(create_app(settings)) as client:
        client.headers.update(internal_headers("understand"))
        await until_ready(client)
        yield client


async def understand(client: httpx.AsyncClient, body: object) -> httpx.Response:
    return await client.post("/v1/understand", json=body)
