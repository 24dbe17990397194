"""Tensors as bytes behind the JSON, which is what the protocol's clients send and ask for unless told otherwise."""

import json
import struct
from typing import Any

import httpx
import numpy as np
import pytest

from tests.service.intent.inference.conftest import KEYWORD, infer, load, question
from tests.service.intent.packages import WIDTH

HEADER = "Inference-Header-Content-Length"
Answer = tuple[dict[str, Any], dict[str, bytes]]


def raw(*elements: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(each)) + each for each in elements)


def texts(*written: str) -> bytes:
    return raw(*(each.encode() for each in written))


def sized(count: int, tail: bytes, **changes: Any) -> dict[str, Any]:
    tensor = {"name": "text", "shape": [count], "datatype": "BYTES", "parameters": {"binary_data_size": len(tail)}}
    return {"inputs": [tensor | changes]}


async def post(
    client: httpx.AsyncClient, body: dict[str, Any], tail: bytes, version: str = KEYWORD, told: str | None = None
) -> httpx.Response:
    head = json.dumps(body).encode()
    path, length = f"/v2/models/intent/versions/{version}/infer", told or str(len(head))
    return await client.post(path, content=head + tail, headers={HEADER.encode(): length.encode("latin-1")})


def opened(answer: httpx.Response) -> Answer:
    """The JSON of an answer, and the bytes of each output that has some."""
    length = int(answer.headers[HEADER])
    head, tail = json.loads(answer.content[:length]), answer.content[length:]
    found = {}
    for output in head["outputs"]:
        if (size := output.get("parameters", {}).get("binary_data_size")) is not None:
            found[output["name"]], tail = tail[:size], tail[size:]
    assert (answer.status_code, answer.headers["content-type"], tail) == (200, "application/octet-stream", b"")
    return head, found


async def test_texts_come_as_bytes_behind_the_json(client: httpx.AsyncClient) -> None:
    tail = texts("你好", "谢谢", "talk to a human 🙂")
    answer = await post(client, {**sized(3, tail), "id": "7", "outputs": [{"name": "label"}]}, tail)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert HEADER not in answer.headers
    assert answer.json() == {
        "model_name": "intent",
        "model_version": KEYWORD,
        "id": "7",
        "outputs": [
            {"name": "label", "datatype": "BYTES", "shape": [3], "data": ["greeting", "thanks_bye", "human.agent"]}
        ],
    }


async def test_rows_of_one_may_be_bytes_too(client: httpx.AsyncClient) -> None:
    tail = texts("你好", "谢谢")
    answer = await post(client, sized(2, tail, shape=[2, 1]), tail)
    assert answer.json()["outputs"][0]["data"] == ["greeting", "thanks_bye"]


async def test_all_outputs_are_bytes_where_the_request_says_so(client: httpx.AsyncClient) -> None:
    await load(client, "a")
    written = ["你好", "我想买重疾险"]
    told = (await infer(client, question(*written), version="a")).json()["outputs"]
    asked = {**question(*written), "parameters": {"binary_data_output": True}}
    head, found = opened(await infer(client, asked, version="a"))
    by_name = {output["name"]: output for output in told}
    assert list(found) == list(by_name)
    for output in head["outputs"]:
        expected = by_name[output["name"]]
        assert (output["datatype"], output["shape"]) == (expected["datatype"], expected["shape"])
        assert "data" not in output
    assert found["label"] == texts(*by_name["label"]["data"])
    assert found["topics"] == texts(*by_name["topics"]["data"])
    assert found["in_scope"] == bytes(by_name["in_scope"]["data"])
    for name in ("confidence", "purchase", "intent_logits", "embedding"):
        assert np.frombuffer(found[name], "<f4").tolist() == np.float32(by_name[name]["data"]).tolist()
    assert len(found["embedding"]) == 4 * 2 * WIDTH


async def test_an_output_says_for_itself_whether_it_is_bytes(client: httpx.AsyncClient) -> None:
    asked = {
        **question("你好"),
        "parameters": {"binary_data_output": True},
        "outputs": [
            {"name": "label", "parameters": {"binary_data": False}},
            {"name": "confidence"},
            {"name": "sentiment", "parameters": {"binary_data": True}},
        ],
    }
    head, found = opened(await infer(client, asked))
    assert head["outputs"][0] == {"name": "label", "datatype": "BYTES", "shape": [1], "data": ["greeting"]}
    assert [output["parameters"] for output in head["outputs"][1:]] == [
        {"binary_data_size": 4},
        {"binary_data_size": 11},
    ]
    assert (len(found["confidence"]), found["sentiment"]) == (4, raw(b"neutral"))


NOT_THOSE = "tensor 'text': its bytes are not those of {} elements, each behind its length in four bytes"
SIZE = "inputs.0.parameters.binary_data_size"


@pytest.mark.parametrize(
    ("body", "tail", "param", "why"),
    [
        (sized(2, texts("a")), texts("a"), SIZE, NOT_THOSE.format(2)),
        (sized(1, texts("a", "b")), texts("a", "b"), SIZE, NOT_THOSE.format(1)),
        (sized(1, b"\x01\x00"), b"\x01\x00", SIZE, NOT_THOSE.format(1)),
        (sized(1, b"\xff\xff\xff\xffa"), b"\xff\xff\xff\xffa", SIZE, NOT_THOSE.format(1)),
        (
            sized(1, b"1234"),
            texts("a"),
            SIZE,
            f"tensor 'text': its binary_data_size is 4, and 5 bytes are behind the JSON that {HEADER} tells of",
        ),
        (
            question("a"),
            texts("a"),
            SIZE,
            f"tensor 'text': its binary_data_size is 0, and 5 bytes are behind the JSON that {HEADER} tells of",
        ),
        (sized(1, texts("a"), data=["a"]), texts("a"), "inputs.0.data", "tensor 'text': it has both data and bytes"),
        (sized(65, texts("a")), texts("a"), "inputs.0.shape", "tensor 'text': it holds 65 texts, it must hold 1 to 64"),
        (sized(1, raw(b"\xff")), raw(b"\xff"), "inputs.0.data.0", "tensor 'text': element 0: it is not UTF-8"),
        (sized(1, raw(b"\xed\xa0\x80")), raw(b"\xed\xa0\x80"), "inputs.0.data.0", "element 0: it is not UTF-8"),
        (sized(2, texts("a", " ")), texts("a", " "), "inputs.0.data.1", "tensor 'text': element 1: The text is blank."),
        (sized(1, raw(b"")), raw(b""), "inputs.0.data.0", "tensor 'text': element 0: The text is blank."),
        (sized(1, texts("a\0")), texts("a\0"), "inputs.0.data.0", "element 0: The text holds control characters"),
        (
            sized(1, texts("x" * 2001)),
            texts("x" * 2001),
            "inputs.0.data.0",
            "tensor 'text': element 0: String should have at most 2000 characters",
        ),
    ],
)
async def test_bytes_at_fault_are_named(
    client: httpx.AsyncClient, body: dict[str, Any], tail: bytes, param: str, why: str
) -> None:
    problem = await post(client, body, tail)
    assert (problem.status_code, problem.json()["code"], problem.json()["param"]) == (400, "bad_tensor", param)
    assert why in problem.json()["error"]


async def test_a_size_without_the_header_is_named(client: httpx.AsyncClient) -> None:
    problem = (await infer(client, sized(1, b"12345"))).json()
    assert (problem["code"], problem["param"]) == ("bad_tensor", SIZE)
    assert problem["detail"].startswith("tensor 'text': its binary_data_size is 5, and 0 bytes are behind the JSON")


@pytest.mark.parametrize("told", ["0", "-1", "9999", "1.5", "abc", "²", "1" * 5000])
async def test_a_length_that_is_none_of_the_body_is_refused(client: httpx.AsyncClient, told: str) -> None:
    tail = texts("a")
    body = sized(1, tail)
    problem = await post(client, body, tail, told=told)
    length = len(json.dumps(body)) + len(tail)
    assert (problem.status_code, problem.json()["code"]) == (400, "binary_tensor_data")
    assert problem.json()["error"] == (
        f"inference-header-content-length: It must be how many of the body's {length} bytes are its JSON."
    )


async def test_a_length_that_cuts_the_json_is_broken_json(client: httpx.AsyncClient) -> None:
    problem = await post(client, sized(1, texts("a")), texts("a"), told="20")
    assert (problem.status_code, problem.json()["error"]) == (400, "body: The body is not valid JSON.")


async def test_a_body_over_the_limit_is_refused_with_bytes_too(client: httpx.AsyncClient) -> None:
    problem = await post(client, sized(1, texts("a")), b" " * (2 * 1024 * 1024 + 1))
    assert (problem.status_code, problem.json()["code"]) == (413, "payload_too_large")
