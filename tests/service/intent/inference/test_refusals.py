"""Errors in the protocol's form, which name the tensor."""

import json

import httpx
import pytest

from tests.service.intent.conftest import Headers
from tests.service.intent.inference.conftest import KEYWORD, infer, question


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
    return f"The {extension} extension is not supported: each request stands alone and holds its tensors."


@pytest.mark.parametrize(
    ("body", "param", "why"),
    [
        (
            question("a", data=None, parameters={"shared_memory_region": "r"}),
            "inputs.0.parameters.shared_memory_region",
            unsupported("shared memory"),
        ),
        (
            {**question("a"), "outputs": [{"name": "label", "parameters": {"classification": 3}}]},
            "outputs.0.parameters.classification",
            unsupported("classification"),
        ),
        (
            {**question("a"), "parameters": {"sequence_id": 7, "sequence_start": True}},
            "parameters.sequence_id",
            unsupported("sequence"),
        ),
    ],
)
async def test_what_other_servers_add_to_the_protocol_is_declined_by_name(
    client: httpx.AsyncClient, body: object, param: str, why: str
) -> None:
    answer = await infer(client, body)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "unsupported_extension")
    assert (problem["param"], problem["detail"]) == (param, why)
    assert problem["error"] == f"{param}: {why}"


@pytest.mark.parametrize(
    ("raw", "status", "error"),
    [
        (b"{", 400, "body: The body is not valid JSON."),
        (b"\xff\xfe\x00", 400, "body: The body is not UTF-8."),
        (b"[]", 400, "body: The body must be a JSON object, sent with Content-Type: application/json."),
        (b"{}", 400, "inputs: Field required"),
        (
            json.dumps(question("a", shape=[True])).encode(),
            400,
            "inputs.0.shape.0: Input should be a valid integer",
        ),
        (b'{"inputs": 7}', 400, "inputs: Input should be a valid list"),
        (b'{"inputs": [], "x": 1}', 400, "x: Extra inputs are not permitted"),
        (b'{"inputs": [], "id": 7}', 400, "id: Input should be a valid string"),
        (b" " * (2 * 1024 * 1024 + 1), 413, "The body is larger than 2097152 bytes."),
    ],
)
async def test_what_is_no_request_is_refused_with_the_protocols_error(
    client: httpx.AsyncClient, raw: bytes, status: int, error: str
) -> None:
    headers = {"Content-Type": "application/json"}
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
