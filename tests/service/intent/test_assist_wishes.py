"""What one message wants besides what it calls off, and what is remembered of a form that was sent, over HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.intent.app import create_app
from tests.service.intent.conftest import Headers, MakeSettings, OpenClient, until_ready
from tests.service.intent.talking import SCOPES, begin, said

CANCELLED = "好的，已取消，没有登记任何内容。"


@pytest.fixture
async def client(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings
) -> AsyncIterator[httpx.AsyncClient]:
    async with app_client(create_app(make_settings(roles={"api"}))) as client:
        client.headers.update(internal_headers(*SCOPES))
        await until_ready(client)
        yield client


async def test_what_is_wanted_instead_of_what_is_called_off_is_answered(client: Any) -> None:
    conversation = await begin(client)
    await said(client, conversation, "我要退款")
    turn = await said(client, conversation, "不退了，给我报价医疗险")
    assert turn["reply"]["outcome"] == "form"
    assert turn["reply"]["text"].startswith(CANCELLED + "价格由产品规则")
    assert turn["message"]["heard"]["label"] == "insurance.quote"
    assert (await said(client, conversation, "35"))["reply"]["text"].startswith("常住在哪个")


@pytest.mark.parametrize("text", ["取消，谢谢", "不退了，我再看看", "不退了，唔呃"])
async def test_courtesies_behind_what_is_called_off_have_no_answer_of_their_own(client: Any, text: str) -> None:
    conversation = await begin(client)
    await said(client, conversation, "我要退款")
    turn = await said(client, conversation, text)
    assert (turn["reply"]["outcome"], turn["reply"]["text"]) == ("cancelled", CANCELLED)


async def test_a_request_that_was_sent_is_remembered_as_sent(client: Any) -> None:
    conversation = await begin(client)
    for text in ("我要退款", "《理财入门》", "买错了"):
        await said(client, conversation, text)
    assert (await said(client, conversation, "是吗？"))["reply"]["action"] is None
    assert (await said(client, conversation, "是"))["reply"]["action"]["slots"]["order"] == "理财入门"
    turn = await said(client, conversation, "刚才填错了")
    assert (turn["reply"]["outcome"], turn["reply"]["text"][:16]) == ("no_answer", "刚才的登记已经交给平台，我改不了")


async def test_two_forms_that_one_text_wishes_for_are_taken_down_one_after_the_other(client: Any) -> None:
    conversation = await begin(client)
    turn = await said(client, conversation, "帮我退课然后再给我报价寿险")
    assert turn["reply"]["text"].startswith("两件事都记下了，一件一件来。退款申请我可以先帮您登记")
    for text in ("《园艺入门》", "重复购买了"):
        await said(client, conversation, text)
    done = (await said(client, conversation, "是"))["reply"]
    assert (done["outcome"], done["action"]["type"]) == ("action", "refund.request")
    assert done["text"].endswith("被保人的出生日期或年龄是多少？比如 1992-05-17，或 33 岁。")
    for text in ("41", "南京", "跳过"):
        await said(client, conversation, text)
    action = (await said(client, conversation, "是"))["reply"]["action"]
    assert (action["type"], action["slots"]["category"], action["slots"]["birth"]) == (
        "quote.request",
        "life",
        {"age": 41},
    )


async def test_two_questions_of_one_text_are_both_answered(client: Any) -> None:
    conversation = await begin(client)
    reply = (await said(client, conversation, "怎么修改密码，顺便问下优惠券怎么用"))["reply"]
    first, second = reply["text"].split("\n")
    assert first.startswith("登录、换绑手机或邮箱、改密码")
    assert second.startswith("当前的活动、优惠券和积分")


async def test_a_question_behind_letting_go_of_a_form_is_answered_and_the_form_is_gone(client: Any) -> None:
    conversation = await begin(client)
    await said(client, conversation, "给我报价医疗险")
    reply = (await said(client, conversation, "算了，优惠券怎么用"))["reply"]
    assert reply["text"].startswith(CANCELLED + "当前的活动、优惠券和积分")
    assert "被保人" not in reply["text"]
    assert (await said(client, conversation, "35"))["reply"]["outcome"] == "unsure"


async def test_what_waits_is_begun_behind_the_answer_to_what_is_asked_instead(client: Any) -> None:
    conversation = await begin(client)
    await said(client, conversation, "帮我退课然后再给我报价寿险")
    reply = (await said(client, conversation, "算了，优惠券怎么用"))["reply"]
    assert reply["text"].startswith(CANCELLED + "当前的活动、优惠券和积分")
    assert reply["text"].count("被保人") == 1
    assert (await said(client, conversation, "41"))["reply"]["text"].startswith("常住在哪个")


async def test_a_greeting_before_a_question_is_not_all_that_is_heard(client: Any) -> None:
    conversation = await begin(client)
    assert (await said(client, conversation, "您好，优惠券怎么用"))["message"]["heard"]["label"] == "promo.ask"
