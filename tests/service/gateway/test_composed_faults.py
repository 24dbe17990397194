"""The composed call over back ends that are slow, dead, talking garbage, of the wrong shape, huge, and back again."""

import asyncio
import time

import pytest
from aiohttp import web

from tests.service.gateway.composing import OWNER, PATH, SECTIONS, ask, statuses


@pytest.mark.parametrize("section", sorted(SECTIONS))
async def test_a_silent_section_is_a_timeout_and_the_rest_is_answered(gateway, stubs, key, section):
    async def silent(_):
        await asyncio.sleep(30)

    stubs["recommend"].on["/v1/popular"] = silent
    await ask(gateway, key, user_id="somebody-else", message="something else")
    stubs[OWNER[section]].on[PATH[section]] = silent
    expected = dict.fromkeys(SECTIONS, "ok") | {section: "timeout"}
    for deadline_s in (1.5, 3.0, 6.0):  # A machine that stood still gets another try, with more time.
        started = time.monotonic()
        answer = await ask(gateway, key, headers={"X-Request-Deadline-Ms": f"{deadline_s * 1000:.0f}"})
        late_s = time.monotonic() - started - deadline_s
        if late_s < 0.5 and statuses(answer) == expected:
            break
    assert late_s < 0.5
    assert (answer.status_code, answer.headers["X-Kuajie-Complete"]) == (200, "false")
    assert statuses(answer) == expected


async def test_a_busy_machine_makes_an_answer_late_and_not_a_504(gateway, stubs, key):
    async def silent(_):
        await asyncio.sleep(30)

    await ask(gateway, key)
    stubs["insurance"].on["/v1/offers"] = silent
    for _ in range(3):  # A machine that stands still for more than the second of grace gets another try.
        asyncio.get_running_loop().call_later(0.9, time.sleep, 0.3)  # the loop stands still over the deadline
        answer = await ask(gateway, key, locale="en", headers={"X-Request-Deadline-Ms": "1000"})
        if answer.status_code == 200:
            break
    assert (answer.status_code, statuses(answer)["insurance"]) == (200, "timeout")


@pytest.mark.parametrize("service", ["profile", "intent", "insurance", "recommend"])
async def test_a_dead_back_end_is_said_in_its_sections(gateway, stubs, key, service):
    await stubs[service].die()
    answer = await ask(gateway, key)
    own = {section: "error" for section, owner in OWNER.items() if owner == service}
    assert (answer.status_code, answer.headers["X-Kuajie-Complete"]) == (200, "false")
    assert statuses(answer) == dict.fromkeys(SECTIONS, "ok") | own
    assert {answer.json()["sections"][section]["reason"] for section in own} == {"backend_unavailable"}


async def test_after_a_good_answer_a_dead_back_end_is_covered_by_memory(gateway, stubs, key):
    await ask(gateway, key)
    await stubs["recommend"].die()
    await stubs["insurance"].die()
    answer = await ask(gateway, key)
    body = answer.json()
    assert statuses(answer) == {
        "profile": "ok", "intent": "ok", "content": "stale", "insurance": "stale", "campaign": "error",
    }  # fmt: skip
    assert (body["insurance"][0]["product_id"], body["insurance"][0]["indicative_premium"]) == ("ci-a", None)
    assert body["campaign"] is None


async def test_somebody_new_gets_what_is_popular_when_recommend_is_dead(settings, stubs, key, app_client):
    from services.gateway.app import create_app

    app = create_app(settings())
    async with app_client(app) as gateway:
        await ask(gateway, key)
        async with asyncio.timeout(30):
            while app.state.resources.composer.popular.latest("t1", "zh-CN") is None:
                await asyncio.sleep(0.01)
        await stubs["recommend"].die()
        answer = await ask(gateway, key, surface="another_page")
    assert statuses(answer)["content"] == "fallback"
    assert [item["item_id"] for item in answer.json()["content"]] == ["p1"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"items": [{"item_id": 7}]}',
        b"\xff\xfe",
        b'{"items": ' + b"[" * 5000,
        b"x" * 20_000_000,
    ],
    ids=["empty", "html", "list", "wrong_field", "binary", "deep", "huge"],
)
async def test_garbage_is_an_invalid_answer(gateway, stubs, key, body):
    async def garbage(_):
        return web.Response(body=body, content_type="application/json")

    stubs["recommend"].on = {"/v1/content": garbage, "/v1/popular": garbage}
    answer = await ask(gateway, key, headers={"X-Request-Deadline-Ms": "20000"})
    report = answer.json()["sections"]["content"]
    assert (report["status"], report["reason"]) == ("error", "invalid_answer")
    assert answer.json()["content"] == []


async def test_a_back_end_that_hangs_up_in_the_middle_is_unavailable(gateway, stubs, key):
    async def half(request):
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"offers": [')
        request.transport.close()
        return response

    stubs["insurance"].on["/v1/offers"] = half
    report = (await ask(gateway, key)).json()["sections"]["insurance"]
    assert (report["status"], report["reason"]) == ("error", "backend_unavailable")


async def test_a_refusing_back_end_is_named_by_its_code(gateway, stubs, key, answer_problem):
    async def full(_):
        return answer_problem(429, "queue_full")

    async def broken(_):
        return answer_problem(500, "internal_error")

    stubs["intent"].on["/v1/understand"] = full
    stubs["insurance"].on["/v1/offers"] = broken
    sections = (await ask(gateway, key)).json()["sections"]
    assert (sections["intent"]["status"], sections["intent"]["reason"]) == ("shed", "queue_full")
    assert (sections["insurance"]["status"], sections["insurance"]["reason"]) == ("error", "internal_error")


async def test_after_the_breaker_opened_a_silent_back_end_costs_little(settings, stubs, key, app_client):
    from services.gateway.app import create_app

    async def silent(_):
        await asyncio.sleep(30)

    async with app_client(create_app(settings(first_stage_ms=200, breaker_pause_ms=200))) as gateway:
        await ask(gateway, key)
        stubs["insurance"].on["/v1/offers"] = silent
        reason = None
        async with asyncio.timeout(30):
            while reason != "circuit_open":
                answer = await ask(gateway, key, locale="en", headers={"X-Request-Deadline-Ms": "600"})
                if answer.status_code == 200:  # 504 where the machine stood still for longer than the second of grace
                    reason = answer.json()["sections"]["insurance"]["reason"]
        stubs["insurance"].seen.clear()
        slowest = 0.0
        for _ in range(30):
            started = time.monotonic()
            answer = await ask(gateway, key, locale="en")
            slowest = max(slowest, time.monotonic() - started)
            assert answer.json()["sections"]["insurance"]["reason"] == "circuit_open"
            await asyncio.sleep(0.02)
    assert 1 <= len(stubs["insurance"].seen) < 15  # probes, and nobody waited for them
    assert slowest < 5  # the deadline is 30 seconds


async def test_a_back_end_that_is_back_is_used_again(settings, stubs, key, app_client):
    from services.gateway.app import create_app

    async def broken(_):
        raise web.HTTPInternalServerError

    async with app_client(create_app(settings(breaker_pause_ms=50))) as gateway:
        stubs["insurance"].on["/v1/offers"] = broken
        async with asyncio.timeout(30):
            while (await ask(gateway, key)).json()["sections"]["insurance"]["reason"] != "circuit_open":
                pass
        del stubs["insurance"].on["/v1/offers"]
        async with asyncio.timeout(30):
            while statuses(await ask(gateway, key))["insurance"] != "ok":
                await asyncio.sleep(0.02)
