"""The Open Inference Protocol v2 over HTTP: health, metadata, inference, and errors that name the tensor."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from services.intent.app import create_app
from services.intent.lexical.keyword import KeywordModel
from services.intent.trained.package import published_folder
from services.kit.settings import SharedSettings
from tests.service.intent.conftest import Headers, MakeSettings, OpenClient, difference, until_ready
from tests.service.intent.packages import WIDTH, write_package

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


async def test_health_and_metadata_of_the_server(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v2")).json() == {"name": "kuajie", "version": "1", "extensions": []}
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


@pytest.mark.parametrize(
    ("body", "param", "why"),
    [
        ({"inputs": []}, "inputs", "tensor 'text': it is missing"),
        (question("a", name="txt"), "inputs.0.name", "tensor 'txt': there is no such input, only 'text'"),
        (
            question("a", datatype="INT64"),
            "inputs.0.datatype",
            "tensor 'text': its datatype is INT64, it must be BYTES",
        ),
        (question("a", shape=[]), "inputs.0.shape", "tensor 'text': its shape is [], it must be [n] or [n, 1]"),
        (question("a", shape=[1, 2]), "inputs.0.shape", "tensor 'text': its shape is [1, 2], it must be [n] or [n, 1]"),
        (question("a", shape=[0]), "inputs.0.shape", "tensor 'text': it holds 0 texts, it must hold 1 to 64"),
        (question("a", shape=[-1]), "inputs.0.shape", "tensor 'text': it holds -1 texts, it must hold 1 to 64"),
        (question("a", shape=[2]), "inputs.0.data", "tensor 'text': its data is not of the shape [2]"),
        (question("a", data=[["a", "b"]]), "inputs.0.data", "tensor 'text': its data is not of the shape [1]"),
        (question("a", data=[7]), "inputs.0.data.0", "tensor 'text': element 0: Input should be a valid string"),
        (question("a", " "), "inputs.0.data.1", "tensor 'text': element 1: The text is blank."),
        (
            question("x" * 2001),
            "inputs.0.data.0",
            "tensor 'text': element 0: String should have at most 2000 characters",
        ),
        (
            question("a", "PNG\x00\x01"),
            "inputs.0.data.1",
            "tensor 'text': element 1: The text holds control characters: it looks like binary data.",
        ),
        (question(*["a"] * 65), "inputs.0.shape", "tensor 'text': it holds 65 texts, it must hold 1 to 64"),
        (question(*["a"] * 10_000), "inputs.0.shape", "tensor 'text': it holds 10000 texts, it must hold 1 to 64"),
        (question("a", outputs=["score"]), "outputs.0.name", "tensor 'score': this version has no such output"),
        (question("a", outputs=["embedding"]), "outputs.0.name", "tensor 'embedding': this version has no such output"),
        (question("a", outputs=["label", "label"]), "outputs.1.name", "tensor 'label': it is asked for twice"),
        ({"inputs": question("a")["inputs"] * 2}, "inputs.1.name", "tensor 'text': it is given twice"),
        (
            {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES"}]},
            "inputs.0.data",
            "tensor 'text': it has no data",
        ),
    ],
)
async def test_a_tensor_at_fault_is_named(client: httpx.AsyncClient, body: object, param: str, why: str) -> None:
    answer = await infer(client, body)
    assert answer.status_code == 400
    problem = answer.json()
    assert (problem["code"], problem["param"], problem["detail"]) == ("bad_tensor", param, why)
    assert problem["error"] == f"{param}: {why}"


def unsupported(extension: str) -> str:
    return f"The {extension} extension is not supported: tensors are JSON, and each request stands alone."


@pytest.mark.parametrize(
    ("body", "param", "code", "why"),
    [
        (
            question("a", data=None, parameters={"binary_data_size": 5}),
            "inputs.0.parameters.binary_data_size",
            "binary_tensor_data",
            unsupported("binary tensor data"),
        ),
        (
            question("a", data=None, parameters={"shared_memory_region": "r"}),
            "inputs.0.parameters.shared_memory_region",
            "unsupported_extension",
            unsupported("shared memory"),
        ),
        (
            {**question("a"), "outputs": [{"name": "label", "parameters": {"classification": 3}}]},
            "outputs.0.parameters.classification",
            "unsupported_extension",
            unsupported("classification"),
        ),
        (
            {**question("a"), "parameters": {"sequence_id": 7, "sequence_start": True}},
            "parameters.sequence_id",
            "unsupported_extension",
            unsupported("sequence"),
        ),
    ],
)
async def test_what_other_servers_add_to_the_protocol_is_declined_by_name(
    client: httpx.AsyncClient, body: object, param: str, code: str, why: str
) -> None:
    answer = await infer(client, body)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["param"], problem["detail"]) == (400, code, param, why)
    assert problem["error"] == f"{param}: {why}"


async def test_other_parameters_change_nothing_and_binary_output_comes_as_json(client: httpx.AsyncClient) -> None:
    asked = {
        **question("你好", parameters={"content_type": "str"}),
        "parameters": {"binary_data_output": True, "priority": 2},
        "outputs": [{"name": "label", "parameters": {"binary_data": True}}],
    }
    answer = await infer(client, asked)
    assert answer.json()["outputs"] == [{"name": "label", "datatype": "BYTES", "shape": [1], "data": ["greeting"]}]


@pytest.mark.parametrize(
    ("raw", "headers", "status", "error"),
    [
        (b"{", {}, 400, "body: The body is not valid JSON."),
        (b"\xff\xfe\x00", {}, 400, "There was an error parsing the body"),
        (b"[]", {}, 400, "body: The body must be a JSON object, sent with Content-Type: application/json."),
        (b"{}", {}, 400, "inputs: Field required"),
        (
            json.dumps(question("a", shape=[True])).encode(),
            {},
            400,
            "inputs.0.shape.0: Input should be a valid integer",
        ),
        (b'{"inputs": 7}', {}, 400, "inputs: Input should be a valid list"),
        (b'{"inputs": [], "x": 1}', {}, 400, "x: Extra inputs are not permitted"),
        (b'{"inputs": [], "id": 7}', {}, 400, "id: Input should be a valid string"),
        (
            json.dumps(question("a")).encode() + b"\x04\x00\x00\x00text",
            {"Inference-Header-Content-Length": "70"},
            400,
            "inference-header-content-length: The binary tensor data extension is not supported: send tensors as JSON.",
        ),
        (b" " * (2 * 1024 * 1024 + 1), {}, 413, "The body is larger than 2097152 bytes."),
    ],
)
async def test_what_is_no_request_is_refused_with_the_protocols_error(
    client: httpx.AsyncClient, raw: bytes, headers: dict[str, str], status: int, error: str
) -> None:
    headers = {"Content-Type": "application/json", **headers}
    answer = await client.post("/v2/models/intent/infer", content=raw, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


async def test_models_and_versions_that_are_not_at_work_are_not_found(client: httpx.AsyncClient) -> None:
    for path, error in (
        ("/v2/models/bert", "name: There is no model 'bert', only 'intent'."),
        ("/v2/models/bert/ready", "name: There is no model 'bert', only 'intent'."),
        ("/v2/models/intent/versions/a", "version: Version 'a' is not loaded."),
        ("/v2/models/intent/versions/a/ready", "version: Version 'a' is not loaded."),
        ("/v2/nothing", "Not Found"),
    ):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["error"]) == (404, error)
    unspeakable = await client.get("/v2/models/a%01/ready")
    assert (unspeakable.status_code, unspeakable.json()["code"]) == (400, "invalid_request")
    assert unspeakable.json()["error"].startswith("name: String should match pattern")
    assert (await infer(client, question("a"), version="a")).status_code == 404
    assert (await infer(client, question("a"), version=KEYWORD)).status_code == 200


async def test_credentials_are_asked_for_in_the_protocols_form_too(
    client: httpx.AsyncClient, internal_headers: Headers
) -> None:
    nobody = await client.get("/v2/health/live", headers={"Authorization": ""})
    other = await client.get("/v2", headers=internal_headers("models:read"))
    assert (nobody.status_code, nobody.json()["error"]) == (401, "A valid credential is required.")
    assert (other.status_code, other.json()["error"]) == (403, "This credential lacks the scope understand.")


async def test_other_routes_say_nothing_twice(client: httpx.AsyncClient) -> None:
    assert "error" not in (await client.post("/v1/understand", json={})).json()


async def test_without_a_model_nothing_is_ready(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings, tmp_path: Path
) -> None:
    async with app_client(create_app(make_settings(model="auto", model_dir=tmp_path / "none"))) as client:
        client.headers.update(internal_headers(*SCOPES))
        async with asyncio.timeout(60):
            while (await client.get("/readyz")).json()["reasons"] == ["model_loading"]:
                await asyncio.sleep(0.01)
        why = "model_failed_to_load: the package is damaged: none: FileNotFoundError"
        for path in ("/v2/health/ready", "/v2/models/intent/ready", "/v2/models/intent"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["error"]) == (503, why)
        assert (await client.get("/v2/health/live")).json() == {"live": True}
        assert (await infer(client, question("a"))).status_code == 503
        await load(client, KEYWORD)
        assert (await infer(client, question("你好"), version=KEYWORD)).status_code == 200
