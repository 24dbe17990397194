"""The keyword model at work, a trained one at hand, and how a test asks under /v2."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.intent.app import create_app
from services.intent.lexical.keyword import KeywordModel
from services.intent.trained.package import published_folder
from services.kit.settings import SharedSettings
from tests.service.intent.conftest import Headers, MakeSettings, OpenClient, until_ready
from tests.service.intent.packages import write_package

KEYWORD = KeywordModel().version
SCOPES = ("understand", "models:read", "models:write")


@pytest.fixture
async def client(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings, shared_settings: SharedSettings
) -> AsyncIterator[httpx.AsyncClient]:
    """The keyword model serves, and `a`, which always greets, can be loaded."""
    write_package(published_folder(shared_settings.artifacts_dir), "a", "greeting")
    async with app_client(create_app(make_settings())) as client:
        client.headers.update(internal_headers(*SCOPES))
        await until_ready(client)
        yield client


async def load(client: httpx.AsyncClient, version: str) -> None:
    assert (await client.post(f"/v1/models/{version}/load")).status_code == 202
    async with asyncio.timeout(60):
        while (await client.get(f"/v2/models/intent/versions/{version}/ready")).status_code != 200:
            await asyncio.sleep(0.02)


def question(*texts: str, outputs: list[str] | None = None, **changes: Any) -> dict[str, Any]:
    tensor = {"name": "text", "shape": [len(texts)], "datatype": "BYTES", "data": list(texts), **changes}
    asked = {} if outputs is None else {"outputs": [{"name": name} for name in outputs]}
    return {"inputs": [tensor], **asked}


async def infer(client: httpx.AsyncClient, body: object, version: str | None = None) -> httpx.Response:
    middle = "" if version is None else f"/versions/{version}"
    return await client.post(f"/v2/models/intent{middle}/infer", json=body)
