"""How an operator asks for versions, and how a test sees which one answers."""

import asyncio
from typing import Any

import httpx

from services.intent.lexical.keyword import KeywordModel
from tests.service.intent.conftest import Headers

KEYWORD = KeywordModel().version
SCOPES = ("understand", "models:read", "models:write")


def operator(internal_headers: Headers) -> dict[str, str]:
    """Who may do everything, and has time."""
    return {**internal_headers(*SCOPES, subject="ops"), "X-Request-Deadline-Ms": "30000"}


async def ask(client: httpx.AsyncClient, version: str, verb: str, body: object = None) -> httpx.Response:
    return await client.post(f"/v1/models/{version}/{verb}", json=body)


async def view(client: httpx.AsyncClient, version: str) -> dict[str, Any]:
    answer = await client.get(f"/v1/models/{version}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def until(client: httpx.AsyncClient, version: str, **wanted: object) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while not wanted.items() <= (found := await view(client, version)).items():
            await asyncio.sleep(0.02)
    return found


async def said_by(client: httpx.AsyncClient, text: str = "转人工") -> tuple[str, str]:
    """Label and version of an answer."""
    body = (await client.post("/v1/understand", json={"text": text})).json()
    return body["results"][0]["label"], body["model"]["version"]
