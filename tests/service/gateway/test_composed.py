"""The composed call over back ends that really listen: its shape, what they are sent, what is refused, measured and logged."""

import asyncio
import json

import aiohttp
import pytest

from tests.service.gateway.composing import QUESTION, SECTIONS, ask, statuses


async def test_the_answer_has_the_documented_shape(gateway, key):
    answer = await ask(gateway, key)
    body = answer.json()
    assert answer.status_code == 200
    assert answer.headers["X-Kuajie-Complete"] == "true"
    assert list(body) == [
        "request_id", "decision_id", "user_id", "generated_at", "profile", "intent", "content", "insurance", "campaign",
        "experiments", "disclosures", "sections",
    ]  # fmt: skip
    assert statuses(answer) == dict.fromkeys(SECTIONS, "ok")
    assert body["request_id"] == answer.headers["X-Request-Id"]
    assert body["profile"] == {"segment": "active", "traits": {"likes_finance": True}, "interests": {"finance": 0.4}}
    assert body["insurance"][0]["indicative_premium"] == {"amount": "128.00", "currency": "CNY"}
    assert body["campaign"] == {"campaign_id": "spring", "headline": "h", "body": "b", "coupon": None}
    assert set(body["sections"]["content"]) == {"status", "latency_ms", "age_ms", "reason", "links"}


async def test_back_ends_get_the_internal_token_the_trace_and_what_is_left_of_the_deadline(
    gateway, stubs, key, internal
):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    answer = await ask(
        gateway, key, headers={"X-Request-Id": "mine", "traceparent": trace, "X-Request-Deadline-Ms": "30000"}
    )
    assert answer.json()["request_id"] == "mine"
    seen = next(request for request in stubs["recommend"].seen if request.path == "/v1/content")
    caller = internal(seen)
    assert (caller.tenant_id, caller.subject, caller.kind) == ("t1", "k1", "server")
    assert caller.scopes == {"profile:read", "understand", "recommend:read", "offers:read"}
    assert seen.headers["X-Request-Id"] == "mine"
    assert seen.headers["traceparent"].split("-")[1] == trace.split("-")[1]
    assert 15_000 < int(seen.headers["X-Request-Deadline-Ms"]) <= 29_990


async def test_required_sections_are_503_and_named(settings, stubs, key, app_client):
    from services.gateway.app import create_app

    await stubs["insurance"].die()
    async with app_client(create_app(settings(required_sections=["insurance"]))) as gateway:
        answer = await ask(gateway, key)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.json()["code"] == "required_section_missing"
    assert answer.json()["sections"] == {"insurance": "backend_unavailable"}
    assert answer.headers["Retry-After"] == "1"


async def test_metrics_count_sections_by_status(gateway, stubs, key):
    await stubs["intent"].die()
    await ask(gateway, key)
    metrics = (await gateway.get("/metrics")).text
    assert 'kuajie_gateway_section_requests_total{section="intent",status="error"}' in metrics
    assert 'kuajie_gateway_section_duration_seconds_bucket{le="0.005",section="content"}' in metrics


async def test_logs_hold_no_personal_data(gateway, stubs, key, capsys):
    await stubs["intent"].die()
    await stubs["recommend"].die()
    await ask(gateway, key, user_id="secret-person", message="秘密消息")
    await asyncio.sleep(0.05)
    said = capsys.readouterr()
    assert "secret-person" not in said.err + said.out
    assert "秘密" not in said.err + said.out


async def test_a_caller_that_leaves_cancels_the_calls_to_back_ends(served, stubs, key):
    arrived = asyncio.Event()

    async def silent(_):
        arrived.set()
        await asyncio.sleep(30)

    stubs["insurance"].on["/v1/offers"] = silent
    async with aiohttp.ClientSession() as session:
        asking = asyncio.create_task(
            session.post(f"{served}/v1/recommend", json=QUESTION, headers=key | {"X-Request-Deadline-Ms": "30000"})
        )
        await arrived.wait()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    async with asyncio.timeout(10):
        while not stubs["insurance"].aborted:
            await asyncio.sleep(0.01)
    async with aiohttp.ClientSession() as session:
        answer = await session.get(f"{served}/livez")
        assert answer.status == 200


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        (b"{", 400, "body"),
        (b"[]", 422, "body"),
        (b"{}", 422, "user_id"),
        (b'{"user_id": 7}', 422, "user_id"),
        (b'{"user_id": "u1", "unknown": 1}', 422, "unknown"),
        (b'{"user_id": ""}', 422, "user_id"),
        (b'{"user_id": "u1", "limit": {"content": 0}}', 422, "limit.content"),
        (b'{"user_id": "u1", "sections": []}', 422, "sections"),
        (b'{"user_id": "u1", "sections": ["weather"]}', 422, "sections.0"),
        (b'{"user_id": "u1", "locale": "fr"}', 422, "locale"),
        (b'{"user_id": "u1", "message": "a\\u0000b"}', 422, "message"),
        (b'{"user_id": "u1", "message": "' + b"a" * 2001 + b'"}', 422, "message"),
        (b'{"user_id": ' + b"[" * 40 + b"]" * 40 + b"}", 400, "body"),
    ],
)
async def test_a_body_at_fault_is_a_problem_that_names_the_field(gateway, key, body, status, param):
    answer = await gateway.post("/v1/recommend", content=body, headers=key | {"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["param"] == param


@pytest.mark.parametrize(
    ("body", "why"),
    [(b"{", "The body is not valid JSON."), ('{"user_id": "用户"}'.encode("gbk"), "The body is not UTF-8.")],
)
async def test_a_body_that_is_no_json_is_told_why(gateway, key, body, why):
    answer = await gateway.post("/v1/recommend", content=body, headers=key | {"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["detail"]) == (400, why)


async def test_a_byte_order_mark_before_a_body_does_not_matter(gateway, key):
    body = b"\xef\xbb\xbf" + json.dumps(QUESTION).encode()
    answer = await gateway.post("/v1/recommend", content=body, headers=key | {"Content-Type": "application/json"})
    assert answer.status_code == 200


async def test_a_body_over_the_limit_is_413(gateway, key):
    answer = await gateway.post("/v1/recommend", content=b" " * (1 << 20) + b"{}", headers=key)
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
