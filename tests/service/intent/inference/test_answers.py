"""The Open Inference Protocol v2 over HTTP: health, metadata, inference."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from services.intent.app import create_app
from tests.service.intent.conftest import Headers, MakeSettings, OpenClient, difference, until_ready
from tests.service.intent.inference.conftest import KEYWORD, SCOPES, infer, load, question
from tests.service.intent.packages import WIDTH


async def test_health_and_metadata_of_the_server(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v2")).json() == {"name": "kuajie", "version": "1", "extensions": ["binary_tensor_data"]}
    assert (await client.get("/v2/health/live")).json() == {"live": True}
    assert (await client.get("/v2/health/ready")).json() == {"live": True, "ready": True}
    assert (await client.get("/v2/models/intent/ready")).json() == {"name": "intent", "ready": True}


async def test_metadata_tells_the_versions_at_work_and_what_each_gives(client: httpx.AsyncClient) -> None:
    metadata = (await client.get("/v2/models/intent")).json()
    said = [
        {"name": "label", "datatype": "BYTES", "shape": [-1]},
        {"name": "confidence", "datatype": "FP32", "shape": [-1]},
        {"name": "in_scope", "datatype": "BOOL", "shape": [-1]},
        {"name": "sentiment", "datatype": "BYTES", "shape": [-1]},
        {"name": "topics", "datatype": "BYTES", "shape": [-1]},
        {"name": "purchase", "datatype": "FP32", "shape": [-1]},
    ]
    assert metadata == {
        "name": "intent",
        "versions": [KEYWORD],
        "platform": "kuajie_keyword",
        "inputs": [{"name": "text", "datatype": "BYTES", "shape": [-1]}],
        "outputs": said,
    }
    await load(client, "a")
    trained = (await client.get("/v2/models/intent/versions/a")).json()
    assert trained["versions"] == [KEYWORD, "a"]
    assert trained["platform"] == "onnxruntime_onnx"
    assert trained["outputs"] == [
        *said,
        {"name": "intent_logits", "datatype": "FP32", "shape": [-1, 30]},
        {"name": "sentiment_logits", "datatype": "FP32", "shape": [-1, 3]},
        {"name": "purchase_logits", "datatype": "FP32", "shape": [-1, 2]},
        {"name": "embedding", "datatype": "FP32", "shape": [-1, WIDTH]},
    ]


async def test_what_is_inferred_is_what_is_understood(client: httpx.AsyncClient) -> None:
    texts = ["我想给孩子买重疾险和旅游险", "talk to a human"]
    results = (await client.post("/v1/understand", json={"texts": texts})).json()["results"]
    answer = await infer(client, {"id": "42", **question(*texts)})
    assert answer.status_code == 200
    body = answer.json()
    outputs = body.pop("outputs")
    assert body == {"model_name": "intent", "model_version": KEYWORD, "id": "42"}
    assert [(each["name"], each["datatype"], each["shape"]) for each in outputs] == [
        ("label", "BYTES", [2]),
        ("confidence", "FP32", [2]),
        ("in_scope", "BOOL", [2]),
        ("sentiment", "BYTES", [2]),
        ("topics", "BYTES", [2]),
        ("purchase", "FP32", [2]),
    ]
    assert [len(result["topics"]) for result in results] == [2, 0]
    for result in results:
        result["topics"] = "|".join(result["topics"])
    for each in outputs:
        assert each["data"] == [result[each["name"]] for result in results]


async def test_outputs_come_in_the_order_asked_for_and_without_an_id_none_is_told(client: httpx.AsyncClient) -> None:
    body = (await infer(client, question("你好", outputs=["purchase", "label"]))).json()
    assert set(body) == {"model_name", "model_version", "outputs"}
    assert [each["name"] for each in body["outputs"]] == ["purchase", "label"]


@pytest.mark.parametrize(
    "tensor",
    [
        {"shape": [2], "data": ["你好", "谢谢"]},
        {"shape": [2, 1], "data": [["你好"], ["谢谢"]]},
        {"shape": [2, 1], "data": ["你好", "谢谢"]},
    ],
)
async def test_texts_may_be_flat_or_rows_of_one(client: httpx.AsyncClient, tensor: dict[str, Any]) -> None:
    [label] = (await infer(client, question(outputs=["label"], **tensor))).json()["outputs"]
    assert label == {"name": "label", "datatype": "BYTES", "shape": [2], "data": ["greeting", "thanks_bye"]}


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/x-www-form-urlencoded"}])
async def test_the_protocols_clients_name_no_media_type_or_any(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    raw = json.dumps(question("你好", outputs=["label"])).encode()
    answer = await client.post("/v2/models/intent/infer", content=raw, headers=headers)
    assert (answer.status_code, answer.json()["outputs"][0]["data"]) == (200, ["greeting"])


async def test_an_empty_list_of_outputs_asks_for_all_of_them(client: httpx.AsyncClient) -> None:
    named, unnamed = question("你好", outputs=[]), question("你好")
    assert (await infer(client, named)).json() == (await infer(client, unnamed)).json()


async def test_who_names_no_outputs_gets_all_of_the_metadata(client: httpx.AsyncClient) -> None:
    await load(client, "a")
    described = (await client.get("/v2/models/intent/versions/a")).json()["outputs"]
    given = (await infer(client, question("你好", "bye"), version="a")).json()["outputs"]
    assert [(each["name"], each["datatype"], [2, *each["shape"][1:]]) for each in described] == [
        (each["name"], each["datatype"], each["shape"]) for each in given
    ]
    for each in given:
        assert len(each["data"]) == np.prod(each["shape"])


async def test_logits_and_embeddings_come_on_request(client: httpx.AsyncClient) -> None:
    await load(client, "a")
    asked = question("你好", "bye", outputs=["intent_logits", "label", "embedding"])
    async with difference(client, "kuajie_intent_inference_request_success_total", version="a") as succeeded:
        body = (await infer(client, asked, version="a")).json()
    logits, label, embedding = body["outputs"]
    assert (body["model_version"], label["data"], succeeded) == ("a", ["greeting", "greeting"], [1.0])
    assert (logits["shape"], embedding["shape"]) == ([2, 30], [2, WIDTH])
    assert np.reshape(logits["data"], logits["shape"]).max(axis=1).tolist() == [5.0, 5.0]
    assert len(embedding["data"]) == 2 * WIDTH


async def test_the_shipped_model_gives_embeddings_of_unit_length(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings
) -> None:
    async with app_client(create_app(make_settings(model="auto"))) as client:
        client.headers.update(internal_headers(*SCOPES))
        await until_ready(client)
        texts = ["我想买一份重疾险", "退款多久到账", "hello"]
        plain = (await infer(client, question(*texts, outputs=["label"]))).json()["outputs"]
        label, embedding = (await infer(client, question(*texts, outputs=["label", "embedding"]))).json()["outputs"]
    assert [label] == plain
    vectors = np.reshape(embedding["data"], embedding["shape"])
    assert vectors.shape == (3, 384)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-3)


async def test_other_parameters_change_nothing(client: httpx.AsyncClient) -> None:
    asked = {
        **question("你好", parameters={"content_type": "str"}),
        "parameters": {"priority": 2, "timeout": 500_000},
        "outputs": [{"name": "label", "parameters": {"content_type": "str"}}],
    }
    answer = await infer(client, asked)
    assert answer.json()["outputs"] == [{"name": "label", "datatype": "BYTES", "shape": [1], "data": ["greeting"]}]


async def test_without_a_model_nothing_is_ready(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings, tmp_path: Path
) -> None:
    async with app_client(create_app(make_settings(model="auto", model_dir=tmp_path / "none"))) as client:
        client.headers.update(internal_headers(*SCOPES))
        async with asyncio.timeout(60):
            while (await client.get("/readyz")).json()["reasons"] == ["model_loading"]:
                await asyncio.sleep(0.01)
        why = "model_failed_to_load: the package is damaged: none: manifest.json: No such file or directory"
        for path in ("/v2/health/ready", "/v2/models/intent/ready", "/v2/models/intent"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["error"]) == (503, why)
        assert (await client.get("/v2/health/live")).json() == {"live": True}
        assert (await infer(client, question("a"))).status_code == 503
        await load(client, KEYWORD)
        assert (await infer(client, question("你好"), version=KEYWORD)).status_code == 200
