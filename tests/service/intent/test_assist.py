"""Conversations over HTTP: answers, forms, hand-offs, silence, ownership, and what happens when a store is away."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from services.intent.app import create_app
from tests.service.intent.conftest import Headers, MakeSettings, OpenClient, until_ready
from tests.service.intent.talking import SCOPES, act, begin, code_of, said, say


@pytest.fixture
async def client(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings
) -> AsyncIterator[httpx.AsyncClient]:
    async with app_client(create_app(make_settings(roles={"api"}))) as client:
        client.headers.update(internal_headers(*SCOPES))
        await until_ready(client)
        yield client


async def test_a_greeting_is_answered_from_the_approved_texts_in_the_language_of_the_text(client: Any) -> None:
    conversation = await begin(client)
    turn = await said(client, conversation, "你好")
    assert turn["message"]["heard"]["label"] == "greeting"
    assert turn["reply"]["text"].startswith("您好，我是自动客服")
    assert turn["reply"]["outcome"] == "template"
    assert turn["conversation"]["owner"] == "bot"
    assert (await said(client, conversation, "hello"))["reply"]["text"].startswith("Hello, I am the automatic")


async def test_a_conversation_can_be_read_with_its_transcript(client: Any) -> None:
    conversation = await begin(client, channel="app")
    await said(client, conversation, "你好")
    held = (await client.get(f"/v1/assist/conversations/{conversation}")).json()
    assert (held["user_id"], held["channel"], held["messages"], held["owner"]) == ("u1", "app", 2, "bot")
    page = (await client.get(f"/v1/assist/conversations/{conversation}/messages?limit=1")).json()
    assert [each["text"] for each in page["data"]] == ["你好"]
    rest = (
        await client.get(f"/v1/assist/conversations/{conversation}/messages", params={"cursor": page["next_cursor"]})
    ).json()
    assert [(each["number"], each["author"]) for each in rest["data"]] == [(2, "bot")]
    assert rest["has_more"] is False


@pytest.mark.parametrize(
    "text", ["转人工", "人工", "请帮我转人工客服", "human", "can I talk to a human please", "转 人 工！"]
)
async def test_whoever_asks_for_a_person_gets_one(client: Any, text: str) -> None:
    conversation = await begin(client)
    turn = await said(client, conversation, text)
    assert turn["conversation"]["owner"] == "agent"
    assert (turn["hand_off"]["reason"], turn["hand_off"]["status"]) == ("requested", "waiting")
    assert turn["message"]["heard"] is None


async def test_after_a_hand_off_the_bot_is_silent_until_it_is_given_back(client: Any) -> None:
    conversation = await begin(client)
    handed = (await said(client, conversation, "转人工"))["hand_off"]["hand_off_id"]
    assert (await said(client, conversation, "你好"))["reply"] is None
    claimed = await act(client, f"hand-offs/{handed}/claim", agent_id="a1")
    assert (claimed["conversation"]["agent_id"], claimed["hand_off"]["status"]) == ("a1", "claimed")
    replied = await act(client, f"conversations/{conversation}/replies", agent_id="a1", text="我来帮您")
    assert (replied["message"]["author"], replied["message"]["number"]) == ("agent", 4)
    back = await act(client, f"conversations/{conversation}/give-back", agent_id="a1")
    assert (back["conversation"]["owner"], back["hand_off"]["status"]) == ("bot", "given_back")
    assert (await said(client, conversation, "你好"))["reply"]["outcome"] == "template"


async def test_the_queue_shows_what_waits_longest_first_with_its_transcript(client: Any) -> None:
    first, second = await begin(client, "u1"), await begin(client, "u2")
    await said(client, first, "你好")
    await said(client, first, "转人工")
    await said(client, second, "我要起诉你们")
    queue = (await client.get("/v1/assist/hand-offs")).json()["data"]
    assert [(each["conversation_id"], each["reason"], each["detail"]) for each in queue] == [
        (first, "requested", None),
        (second, "risk_words", "legal"),
    ]
    whole = (await client.get(f"/v1/assist/hand-offs/{queue[0]['hand_off_id']}")).json()
    assert [each["text"] for each in whole["transcript"] if each["author"] == "user"] == ["你好", "转人工"]
    assert (await client.get("/v1/assist/hand-offs?reason=complaint")).json()["data"] == []


async def test_two_agents_do_not_get_the_same_conversation(client: Any) -> None:
    conversation = await begin(client)
    handed = (await said(client, conversation, "人工"))["hand_off"]["hand_off_id"]
    await act(client, f"hand-offs/{handed}/claim", agent_id="a1")
    again = await client.post(f"/v1/assist/hand-offs/{handed}/claim", json={"agent_id": "a1"})
    assert again.status_code == 200
    other = await client.post(f"/v1/assist/hand-offs/{handed}/claim", json={"agent_id": "a2"})
    assert code_of(other) == (409, "already_claimed")
    path = f"/v1/assist/conversations/{conversation}"
    assert code_of(await client.post(f"{path}/give-back", json={"agent_id": "a2"})) == (409, "already_claimed")


async def test_two_turns_not_understood_in_a_row_lead_to_a_person(client: Any) -> None:
    conversation = await begin(client)
    assert (await said(client, conversation, "今天北京天气怎么样"))["reply"]["outcome"] == "unsure"
    turn = await said(client, conversation, "明天会下雨吗")
    assert turn["hand_off"]["reason"] == "low_confidence"
    assert turn["reply"]["text"].startswith("连续两次没有明白您的意思，已转给人工客服")


async def test_a_turn_that_is_understood_between_begins_the_count_anew(client: Any) -> None:
    conversation = await begin(client)
    for text, outcome in (("今天北京天气怎么样", "unsure"), ("你好", "template"), ("明天会下雨吗", "unsure")):
        assert (await said(client, conversation, text))["reply"]["outcome"] == outcome


async def test_a_complaint_reaches_a_person(client: Any) -> None:
    turn = await said(client, await begin(client), "你们的服务太差了，我要投诉")
    assert (turn["hand_off"]["reason"], turn["conversation"]["owner"]) == ("complaint", "agent")


async def test_a_quote_is_asked_for_one_thing_at_a_time_and_ends_in_an_action(client: Any) -> None:
    conversation = await begin(client)
    asked = await said(client, conversation, "重疾险报个价")
    assert (asked["reply"]["outcome"], "出生日期或年龄" in asked["reply"]["text"]) == ("form", True)
    for text in ("33", "不对,是35", "上海", "30万"):
        assert (await said(client, conversation, text))["reply"]["outcome"] == "form"
    done = await said(client, conversation, "是的")
    assert done["reply"]["action"] == {
        "type": "quote.request",
        "slots": {
            "category": "critical-illness",
            "birth": {"age": 35},
            "region": "CN-SH",
            "amount": {"amount": "300000", "currency": None},
        },
    }
    assert [each["rel"] for each in done["reply"]["links"]] == ["products", "suitability-questions", "rating"]


async def test_a_form_can_be_left_and_another_question_is_answered_in_between(client: Any) -> None:
    conversation = await begin(client)
    await said(client, conversation, "我要退款")
    between = await said(client, conversation, "订单到哪了？")
    assert between["message"]["heard"]["label"] == "order.status"
    assert between["reply"]["text"].endswith("要退哪一笔？请给我订单号，或内容的名称。")
    assert (await said(client, conversation, "取消"))["reply"]["outcome"] == "cancelled"
    assert (await said(client, conversation, "你好"))["reply"]["outcome"] == "template"


async def test_which_one_to_buy_is_nothing_that_the_bot_has_an_opinion_on(client: Any) -> None:
    turn = await said(client, await begin(client), "重疾险买哪个好？")
    assert turn["reply"]["outcome"] == "advice"
    assert [each["href"] for each in turn["reply"]["links"]] == ["/v1/suitability/questions"]


async def test_of_two_messages_at_once_one_is_told_to_come_again(client: Any) -> None:
    conversation = await begin(client)
    answers = await asyncio.gather(*(say(client, conversation, "你好") for _ in range(6)))
    statuses = sorted(each.status_code for each in answers)
    assert set(statuses) == {201, 409}
    assert {each.json()["code"] for each in answers if each.status_code == 409} == {"conversation_busy"}
    written = (await client.get(f"/v1/assist/conversations/{conversation}/messages")).json()["data"]
    assert [each["author"] for each in written] == ["user", "bot"] * statuses.count(201)


async def test_a_wish_for_a_person_gets_through_whatever_else_is_written_at_once(client: Any) -> None:
    conversation = await begin(client)
    *_, wish = await asyncio.gather(
        *(say(client, conversation, "你好") for _ in range(4)), say(client, conversation, "转人工")
    )
    assert (wish.status_code, wish.json()["conversation"]["owner"]) == (201, "agent")


async def test_a_message_that_is_sent_again_is_answered_once(client: Any) -> None:
    conversation = await begin(client)
    headers = {"Idempotency-Key": "k1"}
    first = await say(client, conversation, "你好", **headers)
    again = await say(client, conversation, "你好", **headers)
    assert (again.status_code, again.headers["Idempotent-Replayed"], again.json()) == (201, "true", first.json())
    assert code_of(await say(client, conversation, "再见", **headers)) == (422, "idempotency_key_reused")
    assert (await client.get(f"/v1/assist/conversations/{conversation}")).json()["messages"] == 2


async def test_a_conversation_whose_memory_is_gone_says_so_and_still_leads_to_a_person(
    client: Any, redis_url: str
) -> None:
    conversation = await begin(client)
    await said(client, conversation, "你好")
    async with Redis.from_url(redis_url) as redis:
        await redis.flushall()
    assert code_of(await say(client, conversation, "退款多久到账")) == (410, "conversation_expired")
    assert (await said(client, conversation, "转人工"))["conversation"]["owner"] == "agent"


async def test_identity_and_phone_numbers_are_never_kept(client: Any, redis_url: str) -> None:
    conversation = await begin(client)
    first = await say(
        client, conversation, "我的身份证11010519491231002X，手机13812345678，要退款", **{"Idempotency-Key": "k"}
    )
    assert first.json()["message"]["text"] == "我的身份证[id]，手机[phone]，要退款"
    again = await say(
        client, conversation, "我的身份证11010519491231002X，手机13812345678，要退款", **{"Idempotency-Key": "k"}
    )
    assert again.json() == first.json()
    await said(client, conversation, "A20261129001")
    asked = await said(client, conversation, "打13812345678联系我，课程太难")
    assert "原因：打[phone]联系我，课程太难" in asked["reply"]["text"]
    async with Redis.from_url(redis_url) as redis:
        [key] = await redis.keys("*assist*")
        assert b"13812345678" not in await redis.get(key)
    transcript = (await client.get(f"/v1/assist/conversations/{conversation}/messages")).text
    assert "13812345678" not in transcript
    assert "A20261129001" in transcript


async def test_a_closed_conversation_takes_no_more_messages(client: Any) -> None:
    conversation = await begin(client)
    closed = await act(client, f"conversations/{conversation}/close")
    assert (closed["owner"], closed["close_reason"]) == ("closed", "user")
    assert code_of(await say(client, conversation, "转人工")) == (409, "conversation_closed")


async def test_to_a_person_other_peoples_conversations_do_not_exist(client: Any, internal_headers: Headers) -> None:
    theirs, mine = await begin(client, "u1"), await begin(client, "u2")
    client.headers.update(internal_headers(*SCOPES, subject="u2", kind="person"))
    path = f"/v1/assist/conversations/{theirs}"
    for answer in (
        await client.get(path),
        await client.get(f"{path}/messages"),
        await say(client, theirs, "你好"),
        await client.post(f"{path}/close"),
        await client.post(f"{path}/hand-off", json={}),
    ):
        assert code_of(answer) == (404, "conversation_not_found")
    listed = (await client.get("/v1/assist/conversations")).json()["data"]
    assert [each["conversation_id"] for each in listed] == [mine]
    assert (await client.get("/v1/assist/conversations?user_id=u1")).status_code == 403
    assert (await client.get("/v1/assist/hand-offs")).status_code == 403
    assert (await client.post(f"{path}/hand-off", json={"agent_id": "me"})).status_code == 403
    assert (await client.delete("/v1/assist/people/u1")).status_code == 403


async def test_tenants_do_not_see_one_another(client: Any, internal_headers: Headers) -> None:
    conversation = await begin(client)
    handed = (await said(client, conversation, "人工"))["hand_off"]["hand_off_id"]
    client.headers.update(internal_headers(*SCOPES, tenant="other"))
    assert (await client.get(f"/v1/assist/conversations/{conversation}")).status_code == 404
    assert (await client.get(f"/v1/assist/hand-offs/{handed}")).status_code == 404
    assert (await client.get("/v1/assist/conversations")).json()["data"] == []


async def test_a_person_can_be_forgotten(client: Any, redis_url: str) -> None:
    kept, gone = await begin(client, "u2"), await begin(client, "u1")
    await say(client, gone, "你好", **{"Idempotency-Key": "k"})
    await said(client, gone, "转人工")
    erased = (await client.delete("/v1/assist/people/u1")).json()
    assert erased == {"user_id": "u1", "conversations": 1, "messages": 4, "corrections": 0}
    assert (await client.get(f"/v1/assist/conversations/{gone}")).status_code == 404
    assert (await client.get("/v1/assist/hand-offs?status=waiting")).json()["data"] == []
    assert code_of(await say(client, gone, "你好", **{"Idempotency-Key": "k"})) == (404, "conversation_not_found")
    assert (await client.get(f"/v1/assist/conversations/{kept}")).status_code == 200
    async with Redis.from_url(redis_url) as redis:
        assert await redis.keys("*assist*") == []


@pytest.mark.parametrize("text", ["", "  ", "x" * 2001, "a\x00b"])
async def test_what_nobody_wrote_is_refused(client: Any, text: str) -> None:
    answer = await say(client, await begin(client), text)
    assert (answer.status_code, answer.json()["param"]) == (422, "text")


async def test_a_button_asks_for_a_person_once(client: Any) -> None:
    conversation = await begin(client)
    first = await act(client, f"conversations/{conversation}/hand-off")
    again = await act(client, f"conversations/{conversation}/hand-off")
    assert first["hand_off"]["hand_off_id"] == again["hand_off"]["hand_off_id"]
    taken = await act(client, f"conversations/{conversation}/hand-off", agent_id="a1")
    assert (taken["hand_off"]["agent_id"], taken["hand_off"]["status"]) == ("a1", "claimed")
