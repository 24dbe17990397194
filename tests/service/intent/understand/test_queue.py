"""What waits and what is computed: a full queue, deadlines, callers who hang up, a model that does not load, metrics."""

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence

import aiohttp
import httpx
import pytest

from services.intent.app import create_app
from services.intent.lexical.keyword import KeywordModel, Scores, Spoken
from services.intent.serving.library import Known
from services.intent.settings import IntentSettings
from tests.service.intent.conftest import (
    Headers,
    MakeSettings,
    OpenClient,
    difference,
    listening,
    metric,
    until_ready,
)
from tests.service.intent.understand.conftest import understand


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
