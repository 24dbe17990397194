"""Passages that come near, offered over HTTP and shown to who chooses one; what asks nothing is no unanswered question."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from services.intent.app import create_app
from services.intent.assist.knowledge.ranking import SHIPPED
from tests.service.intent.conftest import Headers, MakeSettings, OpenClient, until_ready
from tests.service.intent.talking import begin, said

SCOPES = ("assist:write", "assist:read", "assist:report", "knowledge:write", "knowledge:read")
HELP = """# 帮助

## 课时包的有效期
课时包自购买之日起 12 个月有效。

## 水平测试
第一次约课前要做 20 分钟的水平测试。
"""


@pytest.fixture
async def client(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    """A knowledge base whose ranking is sure of nothing, so that all it can do is offer."""
    ranking = orjson.loads(SHIPPED.read_bytes())
    ranking["lexical"] |= {"threshold": 1.0}
    (tmp_path / "ranking.json").write_bytes(orjson.dumps(ranking))
    async with app_client(create_app(make_settings(assist_ranking=tmp_path / "ranking.json"))) as client:
        client.headers.update(internal_headers(*SCOPES))
        await until_ready(client)
        document = {"document_id": "help", "title": "帮助中心", "format": "markdown", "content": HELP}
        assert (await client.post("/v1/assist/knowledge", json=document)).status_code == 201
        yield client


async def test_what_comes_near_is_offered_and_the_one_that_is_chosen_is_quoted(client: Any) -> None:
    conversation = await begin(client)
    offer = (await said(client, conversation, "课时包的有效期多久"))["reply"]
    assert offer["outcome"] == "suggestions"
    assert "1. 课时包的有效期" in offer["text"]
    assert "12 个月" not in offer["text"]
    assert offer["citations"][0]["section"] == "帮助 › 课时包的有效期"
    turn = await said(client, conversation, "1")
    assert turn["reply"]["outcome"] == "knowledge"
    assert turn["reply"]["text"] == "《帮助中心 › 课时包的有效期》中写道：\n课时包自购买之日起 12 个月有效。"
    assert [each["passage"] for each in turn["reply"]["citations"]] == [offer["citations"][0]["passage"]]
    assert turn["message"]["retrieval"] == "lexical"


async def test_what_was_offered_is_counted_and_what_asks_nothing_is_no_unanswered_question(client: Any) -> None:
    conversation = await begin(client)
    for text in ("课时包的有效期多久", "都不是", "课时包的有效期多久"):
        await said(client, conversation, text)
    found = (await client.get("/v1/assist/analytics")).json()
    assert found["turns"] == {"suggestions": 2, "unsure": 1}
    assert [(each["representative"], each["count"]) for each in found["unanswered"]] == [("课时包的有效期多久", 2)]
    assert found["unanswered_read"] == 2
