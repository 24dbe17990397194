"""What is refused, and by which field."""

import httpx
import pytest
from starlette.types import Message

from services.intent.app import create_app
from services.intent.settings import IntentSettings
from tests.service.intent.conftest import (
    Headers,
    OpenClient,
    until_ready,
)
from tests.service.intent.understand.conftest import understand


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


async def test_without_the_scope_nothing_is_understood(client: httpx.AsyncClient, internal_headers: Headers) -> None:
    other = await client.post("/v1/understand", json={"text": "hi"}, headers=internal_headers("profile:read"))
    nobody = await client.post("/v1/understand", json={"text": "hi"}, headers={"Authorization": ""})
    assert (other.status_code, nobody.status_code) == (403, 401)


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
