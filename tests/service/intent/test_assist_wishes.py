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
