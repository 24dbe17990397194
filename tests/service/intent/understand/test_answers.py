"""POST /v1/understand over HTTP: its answers, with stores or without."""

import asyncio
import json

import aiohttp
import httpx
import pytest
from pydantic import SecretStr

from services.intent.app import create_app
from services.intent.client import IntentClient
from services.intent.settings import IntentSettings
from services.kit.http import Backend, BackendRefused, CallContext
from services.kit.resilience import Deadline
from services.kit.settings import SharedSettings
from services.kit.telemetry import Trace
from tests.service.intent.conftest import (
    Headers,
    MakeSettings,
    OpenClient,
    listening,
    until_ready,
)
from tests.service.intent.understand.conftest import understand


async def test_one_text(client: httpx.AsyncClient) -> None:
    answer = await understand(client, {"text": "我想买一份重疾险", "locale": "zh-CN"})
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"results", "model"}
    assert body["model"]["name"] == "keyword"
    [result] = body["results"]
    assert result == {
        "label": "insurance.buy",
        "confidence": result["confidence"],
        "in_scope": True,
        "sentiment": "neutral",
        "topics": ["critical-illness"],
        "purchase": result["purchase"],
    }
    assert result["confidence"] > 0.9
    assert result["purchase"] > 0.9


async def test_many_texts_are_answered_in_their_order(client: httpx.AsyncClient) -> None:
    texts = ["退款多久到账", "talk to a human", "退款多久到账", "明天天气怎么样"]
    results = (await understand(client, {"texts": texts})).json()["results"]
    assert [result["label"] for result in results] == [
        "content.refund",
        "human.agent",
        "content.refund",
        "out_of_scope",
    ]


@pytest.mark.parametrize(
    ("media_type", "encoding"),
    [
        ("application/json; charset=utf-8", "utf-8"),
        ("application/problem+json", "utf-8"),
        ("application/json", "utf-16"),
    ],
)
async def test_a_body_that_is_not_the_usual_one_is_answered_all_the_same(
    client: httpx.AsyncClient, media_type: str, encoding: str
) -> None:
    usual = await understand(client, {"text": "退款多久到账"})
    body = json.dumps({"text": "退款多久到账"}, ensure_ascii=False).encode(encoding)
    answer = await client.post("/v1/understand", content=body, headers={"Content-Type": media_type})
    assert answer.status_code == usual.status_code == 200
    assert answer.json() == usual.json()


async def test_the_largest_request_is_answered(client: httpx.AsyncClient) -> None:
    escaped = json.dumps({"texts": [f"{n}" + "😀" * 1_998 for n in range(10, 74)]})
    assert len(escaped) > 1.4 * 1024 * 1024
    answer = await client.post("/v1/understand", content=escaped, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    assert len(answer.json()["results"]) == 64


async def test_a_dead_database_and_a_dead_redis_are_no_reason_not_to_understand(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings, shared_settings: SharedSettings
) -> None:
    nowhere = shared_settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")})
    dead = make_settings(database_url="postgresql+asyncpg://nobody:x@127.0.0.1:1/none", shared=nowhere)
    async with app_client(create_app(dead)) as client:
        await until_ready(client)
        answer = await client.post("/v1/understand", json={"text": "转人工"}, headers=internal_headers("understand"))
    assert answer.json()["results"][0]["label"] == "human.agent"


async def test_a_database_that_does_not_answer_is_no_reason_not_to_understand(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings
) -> None:
    over = asyncio.Event()

    async def mute(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    async with await asyncio.start_server(mute, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        settings = make_settings(database_url=f"postgresql+asyncpg://nobody:x@127.0.0.1:{port}/none")
        async with app_client(create_app(settings)) as client:
            await until_ready(client)
            answer = await client.post(
                "/v1/understand", json={"text": "转人工"}, headers=internal_headers("understand")
            )
        over.set()
    assert answer.json()["results"][0]["label"] == "human.agent"


async def test_the_openapi_document_shows_labels_examples_and_refusals(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    operation = document["paths"]["/v1/understand"]["post"]
    assert {"200", "401", "403", "422", "429", "503", "504"} <= set(operation["responses"])
    assert document["components"]["schemas"]["UnderstandRequest"]["examples"][0]["text"] == "我想买一份重疾险"
    assert document["components"]["schemas"]["UnderstandResponse"]["examples"][0]["results"][0]["in_scope"] is True


async def test_a_text_longer_than_the_token_budget_is_computed_alone(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings
) -> None:
    async with app_client(create_app(make_settings(token_budget=8))) as client:
        client.headers.update(internal_headers("understand"))
        await until_ready(client)
        results = (await understand(client, {"texts": ["转人工", "退款多久到账" * 300, "你好"]})).json()["results"]
    assert [result["label"] for result in results] == ["human.agent", "content.refund", "greeting"]


async def until_listening_is_ready(session: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(60):
        while True:
            async with session.get(f"{url}/readyz") as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.01)


async def test_the_client_speaks_to_the_service(settings: IntentSettings, internal_headers: Headers) -> None:
    token = internal_headers("understand")["Authorization"].removeprefix("Bearer ")
    async with listening(create_app(settings)) as url, aiohttp.ClientSession() as session:
        client = IntentClient(Backend(session, url, "intent"))
        await until_listening_is_ready(session, url)

        def context(credential: str) -> CallContext:
            return CallContext(credential, Trace("req_1", f"00-{'1' * 32}-{'2' * 16}-00"), Deadline.after_ms(60_000))

        one = await client.understand("怎么理赔", context=context(token))
        assert [each.label for each in one.results] == ["insurance.claim"]
        with pytest.raises(BackendRefused) as refused:
            await client.understand("怎么理赔", context=context("forged"))
        assert (refused.value.status, refused.value.code) == (401, "unauthorised")
