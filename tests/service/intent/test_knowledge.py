"""The knowledge base over HTTP: in, quoted with its source, versions, out; by words and by meaning."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.intent.app import create_app
from services.intent.trained.package import can_run, newest_shipped
from tests.service.intent.conftest import Headers, MakeSettings, OpenClient, until_ready

SCOPES = ("assist:write", "assist:read", "assist:agent", "knowledge:write", "knowledge:read")
DATA = Path(__file__).parents[2] / "data" / "knowledge"
REFUNDS = """# 退款

## 退款到账时间
审核通过后，支付宝原路退回需要 1 到 3 个工作日，价格 20 元以下的当日到账。

## 退款条件
购买后 7 天内、学习进度不超过 10% 的可以申请退款。
"""


@pytest.fixture
async def client(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings
) -> AsyncIterator[httpx.AsyncClient]:
    async with app_client(create_app(make_settings())) as client:
        client.headers.update(internal_headers(*SCOPES))
        await until_ready(client)
        yield client


async def put(client: httpx.AsyncClient, document_id: str, content: str, **body: Any) -> dict[str, Any]:
    given = {"document_id": document_id, "title": "退款说明", "format": "markdown", "content": content, **body}
    answer = await client.post("/v1/assist/knowledge", json=given)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def search(client: httpx.AsyncClient, text: str) -> dict[str, Any]:
    found: dict[str, Any] = (await client.post("/v1/assist/knowledge/search", json={"text": text})).json()
    return found


async def ask(client: httpx.AsyncClient, text: str) -> dict[str, Any]:
    begun = (await client.post("/v1/assist/conversations", json={"user_id": "u1"})).json()
    path = f"/v1/assist/conversations/{begun['conversation_id']}/messages"
    found: dict[str, Any] = (await client.post(path, json={"text": text})).json()
    return found


async def test_an_answer_quotes_the_passage_and_says_where_it_stands(client: Any) -> None:
    await put(client, "refunds", REFUNDS, url="https://example.com/refunds")
    turn = await ask(client, "课程支付宝退款到账时间是几个工作日")
    reply = turn["reply"]
    assert reply["outcome"] == "knowledge"
    assert reply["text"].startswith("《退款说明 › 退款到账时间》中写道：\n审核通过后，支付宝原路退回")
    [citation] = reply["citations"]
    assert (citation["document_id"], citation["version"], citation["passage"]) == ("refunds", 1, 1)
    assert (citation["section"], citation["url"]) == ("退款 › 退款到账时间", "https://example.com/refunds")
    assert turn["message"]["retrieval"] == "lexical"


async def test_what_is_not_known_is_not_answered(client: Any) -> None:
    await put(client, "refunds", REFUNDS)
    found = await search(client, "附近有什么好吃的")
    assert [hit["answers"] for hit in found["data"]] == [False] * len(found["data"])
    assert (await ask(client, "附近有什么好吃的"))["reply"]["outcome"] == "unsure"


async def test_without_any_knowledge_nothing_is_searched(client: Any) -> None:
    assert await search(client, "退款") == {"retrieval": None, "data": []}


async def test_the_same_content_again_changes_nothing_and_another_makes_a_version(client: Any) -> None:
    assert (await put(client, "refunds", REFUNDS))["changed"] is True
    again = await put(client, "refunds", REFUNDS)
    assert (again["changed"], again["document"]["version"], again["document"]["passages"]) == (False, 1, 2)
    changed = await put(client, "refunds", REFUNDS.replace("7 天", "14 天"))
    assert (changed["changed"], changed["document"]["version"]) == (True, 2)
    found = await search(client, "退款条件 学习进度不超过多少天")
    assert found["data"][0]["text"].startswith("购买后 14 天内")
    assert found["data"][0]["citation"]["version"] == 2


async def test_a_deleted_document_is_quoted_no_more_and_its_versions_go_on(client: Any) -> None:
    await put(client, "refunds", REFUNDS)
    assert (await client.delete("/v1/assist/knowledge/refunds")).json()["passages"] == 0
    assert await search(client, "退款到账时间") == {"retrieval": None, "data": []}
    gone = await client.get("/v1/assist/knowledge/refunds")
    assert (gone.status_code, gone.json()["code"]) == (404, "document_not_found")
    assert (await client.delete("/v1/assist/knowledge/refunds")).status_code == 404
    assert (await put(client, "refunds", REFUNDS))["document"]["version"] == 2


async def test_the_id_of_a_document_may_be_a_path(client: Any) -> None:
    await put(client, "help/refunds.md", REFUNDS)
    path = "/v1/assist/knowledge/help%2Frefunds.md"
    assert (await client.get(path)).json()["document_id"] == "help/refunds.md"
    assert (await client.delete(path)).status_code == 200


async def test_documents_are_listed_and_shown_with_their_passages(client: Any) -> None:
    await put(client, "a", REFUNDS)
    await put(client, "b", "question,answer,tags\n可以付现金吗,不可以。,pay|cash\n", format="csv", title="FAQ")
    first = (await client.get("/v1/assist/knowledge?limit=1")).json()
    rest = (await client.get("/v1/assist/knowledge", params={"cursor": first["next_cursor"]})).json()
    assert [each["document_id"] for each in (*first["data"], *rest["data"])] == ["a", "b"]
    [row] = (await client.get("/v1/assist/knowledge/b")).json()["content"]
    assert (row["question"], row["text"], row["tags"]) == ("可以付现金吗", "不可以。", ["pay", "cash"])


@pytest.mark.parametrize(
    ("form", "content", "detail"),
    [
        (
            "csv",
            "q,a\n1,2\n",
            "the columns are question, answer and, if wanted, locale, url, tags, each once, with commas between them "
            "(found: 'q', 'a')",
        ),
        ("csv", "question,answer\nwhat,\n", "row 2: has no answer"),
        ("csv", 'question,answer\n"open,1\n', "row 2: a quote is opened and never closed"),
        ("csv", "question,answer,locale\na,b,fr\n", "row 2: locale is zh-CN or en"),
        ("markdown", "# only\n## headings\n", "the document holds no text"),
    ],
)
async def test_an_unreadable_document_is_refused_by_its_row(client: Any, form: str, content: str, detail: str) -> None:
    given = {"document_id": "d", "title": "t", "format": form, "content": content}
    answer = await client.post("/v1/assist/knowledge", json=given)
    assert (answer.status_code, answer.json()["param"], answer.json()["detail"]) == (422, "content", detail)


async def test_a_tenant_has_no_more_passages_than_it_may(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings
) -> None:
    async with app_client(create_app(make_settings(assist_passages=3))) as client:
        client.headers.update(internal_headers(*SCOPES))
        await put(client, "a", REFUNDS)
        given = {"document_id": "b", "title": "t", "format": "markdown", "content": REFUNDS}
        answer = await client.post("/v1/assist/knowledge", json=given)
        assert (answer.status_code, answer.json()["code"]) == (409, "knowledge_full")
        assert (await put(client, "a", REFUNDS.replace("7 天", "8 天")))["changed"] is True


async def test_one_tenant_never_quotes_another(client: Any, internal_headers: Headers) -> None:
    await put(client, "refunds", REFUNDS)
    client.headers.update(internal_headers(*SCOPES, tenant="other"))
    assert await search(client, "退款到账时间") == {"retrieval": None, "data": []}


async def test_people_do_not_write_the_knowledge_base(client: Any, internal_headers: Headers) -> None:
    client.headers.update(internal_headers(*SCOPES, subject="u1", kind="person"))
    assert (await client.get("/v1/assist/knowledge")).status_code == 403


async def test_a_change_by_another_process_is_seen(
    client: Any, app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings
) -> None:
    await put(client, "refunds", REFUNDS)
    async with app_client(create_app(make_settings(roles={"api"}, assist_refresh_s=0))) as other:
        other.headers.update(internal_headers(*SCOPES))
        await until_ready(other)
        assert (await search(other, "退款条件"))["data"][0]["citation"]["version"] == 1
        await put(client, "refunds", REFUNDS.replace("7 天", "14 天"))
        async with asyncio.timeout(60):
            while (await search(other, "退款条件"))["data"][0]["citation"]["version"] != 2:
                await asyncio.sleep(0.01)


@pytest.mark.skipif(not can_run() or newest_shipped() is None, reason="needs onnxruntime and a trained model")
async def test_with_a_trained_model_passages_are_found_by_their_meaning(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings
) -> None:
    async with app_client(create_app(make_settings(model="auto", assist_refresh_s=0.05))) as client:
        client.headers.update(internal_headers(*SCOPES))
        await until_ready(client)
        await put(client, "help", (DATA / "help.zh.md").read_text(), title="帮助中心")
        async with asyncio.timeout(60):
            while (await search(client, "钱什么时候退回来"))["retrieval"] != "hybrid":
                await asyncio.sleep(0.05)
        found = await search(client, "钱什么时候退回来")
        assert found["data"][0]["citation"]["section"].endswith("退款到账时间")
        shown = (await client.get("/v1/assist/knowledge/help")).json()["content"]
        assert all(each["embedded"] for each in shown)
