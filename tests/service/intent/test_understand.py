"""POST /v1/understand over HTTP: answers, refusals, readiness, metrics."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator, Sequence

import aiohttp
import httpx
import pytest
from pydantic import SecretStr
from starlette.types import Message

from services.intent.app import create_app
from services.intent.client import IntentClient
from services.intent.lexical.keyword import KeywordModel, Scores, Spoken
from services.intent.serving.library import Known
from services.intent.settings import IntentSettings
from services.kit.http import Backend, BackendRefused, CallContext
from services.kit.resilience import Deadline
from services.kit.settings import SharedSettings
from services.kit.telemetry import Trace
from tests.service.intent.conftest import (
    Headers,
    MakeSettings,
    OpenClient,
    difference,
    listening,
    metric,
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


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"texts": ["a", "b", "c", ""]}, "texts.3", "blank_text"),
        ({"texts": ["a", " \n\u3000"]}, "texts.1", "blank_text"),
        ({"texts": ["\u200b \ufeff\u2060"]}, "texts.0", "blank_text"),
        ({"texts": ["a", "b", "c", "x" * 2001]}, "texts.3", "string_too_long"),
        ({"texts": ["a", "b", "c", 7]}, "texts.3", "string_type"),
        ({"texts": ["a", None]}, "texts.1", "string_type"),
        ({"texts": ["a", "b", "PNG\x00\x01\x02"]}, "texts.2", "binary_text"),
        ({"texts": ["a"] * 65}, "texts", "too_long"),
        ({"texts": ["a"] * 10_000}, "texts", "too_long"),
        ({"texts": []}, "texts", "too_short"),
        ({"texts": "a"}, "texts", "list_type"),
        ({"text": ""}, "text", "blank_text"),
        ({"text": ["a"]}, "text", "string_type"),
        ({"text": "a", "texts": ["b"]}, "body", "text_or_texts"),
        ({}, "body", "text_or_texts"),
        ({"text": "a", "lang": "zh"}, "lang", "extra_forbidden"),
        ({"text": "a", "locale": "fr"}, "locale", "literal_error"),
        (["a"], "body", "model_attributes_type"),
    ],
)
async def test_a_bad_body_is_refused_by_the_field_at_fault(
    client: httpx.AsyncClient, body: object, param: str, code: str
) -> None:
    answer = await understand(client, body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "invalid_request"
    assert problem["param"] == param
    assert problem["errors"][0]["code"] == code


@pytest.mark.parametrize("raw", [b'{"text": "a"', b'{"text": "\xff\xfe\x00"}', b'{"text": "a\xc3"}', bytes(range(256))])
async def test_a_body_that_is_no_utf8_json_is_a_bad_request(client: httpx.AsyncClient, raw: bytes) -> None:
    answer = await client.post("/v1/understand", content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "bad_request"


async def test_an_empty_body_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/understand", content=b"", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["param"]) == (422, "body")


async def test_a_lone_surrogate_is_named(client: httpx.AsyncClient) -> None:
    raw = b'{"texts": ["a", "\\ud800"]}'
    answer = await client.post("/v1/understand", content=raw, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["param"]) == (422, "texts.1")


async def test_a_body_over_the_limit_is_not_read(client: httpx.AsyncClient) -> None:
    answer = await understand(client, {"text": "x" * (2 * 1024 * 1024)})
    assert answer.status_code == 413


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


async def test_without_the_scope_nothing_is_understood(client: httpx.AsyncClient, internal_headers: Headers) -> None:
    other = await client.post("/v1/understand", json={"text": "hi"}, headers=internal_headers("profile:read"))
    nobody = await client.post("/v1/understand", json={"text": "hi"}, headers={"Authorization": ""})
    assert (other.status_code, nobody.status_code) == (403, 401)


class GatedModel(KeywordModel):
    """Lets a batch through when told to. Warm-up passes."""

    gate = threading.Event()

    def run(self, batch: Sequence[Spoken]) -> Scores:
        if any(each.tokens == len("wait 00") for each in batch):
            assert self.gate.wait(60)
        return super().run(batch)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """While it is closed, the gated model waits on texts like `wait 01`."""
    GatedModel.gate = threading.Event()
    yield GatedModel.gate
    GatedModel.gate.set()


class OnlyThis:
    """A library of one model."""

    def __init__(self, model: KeywordModel) -> None:
        self._model = model

    def known(self) -> dict[str, Known]:
        return {self._model.version: Known(self._model.version, "built_in")}

    def default(self) -> str:
        return self._model.version

    def check(self, known: Known) -> None: ...

    def open(self, known: Known) -> KeywordModel:
        return self._model


async def test_a_full_queue_is_429_with_retry_after(
    gate: threading.Event, app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings
) -> None:
    small = make_settings(queue_texts=64)
    async with app_client(create_app(small, OnlyThis(GatedModel()))) as client:
        client.headers.update(internal_headers("understand"))
        await until_ready(client)
        held = asyncio.create_task(understand(client, {"texts": [f"wait {n:02}" for n in range(64)]}))
        await until_pending(client, 64)
        refused = await understand(client, {"text": "你好"})
        gate.set()
        assert (await held).status_code == 200
        assert refused.status_code == 429
        assert refused.json()["code"] == "queue_full"
        assert refused.headers["retry-after"] == "1"
        assert (await understand(client, {"text": "你好"})).status_code == 200


async def test_a_deadline_that_passes_is_504_and_leaves_nothing_behind(
    gate: threading.Event, app_client: OpenClient, internal_headers: Headers, settings: IntentSettings
) -> None:
    async with app_client(create_app(settings, OnlyThis(GatedModel()))) as client:
        client.headers.update(internal_headers("understand"))
        await until_ready(client)
        async with difference(client, "kuajie_intent_inference_request_failure_total", reason="deadline") as failed:
            late = await client.post(
                "/v1/understand", json={"text": "wait 01"}, headers={"X-Request-Deadline-Ms": "50"}
            )
        assert (late.status_code, late.json()["code"], failed) == (504, "deadline_exceeded", [1.0])
        await until_pending(client, 0)
        gate.set()
        assert (await understand(client, {"text": "wait 01"})).status_code == 200


@pytest.mark.parametrize("content_type", ["application/json", "application/json ; charset=utf-8"])
@pytest.mark.parametrize("path", ["/v1/understand", "/v2/models/intent/infer"])
async def test_texts_whose_caller_hangs_up_leave_the_queue_and_are_never_computed(
    gate: threading.Event, internal_headers: Headers, settings: IntentSettings, path: str, content_type: str
) -> None:
    headers = {**internal_headers("understand"), "X-Request-Deadline-Ms": "30000", "Content-Type": content_type}
    async with (
        listening(create_app(settings, OnlyThis(GatedModel()))) as url,
        httpx.AsyncClient(base_url=url, headers=headers) as client,
        aiohttp.ClientSession(url, headers=headers) as other,
    ):
        await until_ready(client)
        held = asyncio.create_task(understand(client, {"text": "wait 01"}))
        await until_pending(client, 1)
        async with (
            difference(client, "kuajie_intent_inference_count_total") as computed,
            difference(client, "kuajie_intent_inference_dropped_texts_total", reason="caller_gone") as dropped,
            difference(client, "kuajie_intent_inference_request_failure_total", reason="caller_gone") as failed,
        ):
            tensor = {"name": "text", "shape": [2], "datatype": "BYTES", "data": ["再见", "谢谢"]}
            body = {"texts": ["再见", "谢谢"]} if path == "/v1/understand" else {"inputs": [tensor]}
            gone = asyncio.create_task(other.post(path, data=json.dumps(body)).__aenter__())
            await until_pending(client, 3)
            gone.cancel()
            await until_pending(client, 1)
            gate.set()
            assert (await held).status_code == 200
    assert (computed, dropped, failed) == ([1.0], [2.0], [1.0])


async def until_pending(client: httpx.AsyncClient, texts: int) -> None:
    async with asyncio.timeout(60):
        while await metric(client, "kuajie_intent_inference_pending_texts") != texts:
            await asyncio.sleep(0.01)


async def test_every_stage_of_the_engine_is_measured(client: httpx.AsyncClient) -> None:
    prefix = "kuajie_intent_inference"
    async with (
        difference(client, f"{prefix}_count_total") as texts,
        difference(client, f"{prefix}_exec_count_total") as batches,
        difference(client, f"{prefix}_queue_duration_seconds_count") as queued,
        difference(client, f"{prefix}_compute_input_duration_seconds_count") as encoded,
        difference(client, f"{prefix}_compute_infer_duration_seconds_count") as inferred,
        difference(client, f"{prefix}_compute_output_duration_seconds_count") as decoded,
        difference(client, f"{prefix}_cache_lookups_total", outcome="hit") as hits,
    ):
        await understand(client, {"texts": ["你好", "在吗"]})
        await understand(client, {"texts": ["你好"]})
    assert (texts, queued, hits) == ([2.0], [2.0], [1.0])
    assert encoded == [1.0]
    assert batches == inferred == decoded
    assert 1 <= batches[0] <= 2


class BrokenModel(KeywordModel):
    def run(self, batch: Sequence[Spoken]) -> Scores:
        raise OSError


async def test_a_model_that_does_not_load_keeps_the_service_not_ready(
    app_client: OpenClient, internal_headers: Headers, settings: IntentSettings
) -> None:
    async with app_client(create_app(settings, OnlyThis(BrokenModel()))) as client:
        async with asyncio.timeout(60):
            while (ready := (await client.get("/readyz")).json()["reasons"]) == ["model_loading"]:
                await asyncio.sleep(0.01)
        assert ready == ["model_failed_to_load: OSError"]
        assert (await client.get("/livez")).status_code == 200
        answer = await client.post("/v1/understand", json={"text": "hi"}, headers=internal_headers("understand"))
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


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


async def test_a_caller_who_hangs_up_while_the_body_comes_is_no_failure_of_ours(
    app_client: OpenClient, internal_headers: Headers, settings: IntentSettings
) -> None:
    async with app_client(app := create_app(settings)) as ready:
        await until_ready(ready)
        headers = {**internal_headers("understand"), "Content-Type": "application/json", "Content-Length": "1000"}
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "path": "/v1/understand",
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        coming = [{"type": "http.request", "body": b'{"text": ', "more_body": True}, {"type": "http.disconnect"}]
        sent: list[Message] = []

        async def receive() -> Message:
            return coming.pop(0)

        async def send(message: Message) -> None:
            sent.append(message)

        await app(scope, receive, send)
    assert [message["status"] for message in sent if message["type"] == "http.response.start"] == [400]


async def test_probes_and_scrapes_have_their_own_time(
    app_client: OpenClient, make_settings: MakeSettings, shared_settings: SharedSettings
) -> None:
    hurried = shared_settings.model_copy(update={"default_deadline_ms": 1})
    async with app_client(create_app(make_settings(shared=hurried))) as client:
        del client.headers["X-Request-Deadline-Ms"]
        await until_ready(client)
        assert (await client.get("/metrics")).status_code == 200
