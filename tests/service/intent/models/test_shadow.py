"""A version that reads along: its comparison, and what is refused."""

import asyncio

import httpx

from tests.service.intent.conftest import difference
from tests.service.intent.models.operating import KEYWORD, ask, until, view


async def test_a_shadow_is_compared_by_language_and_counted_over_its_whole_time(client: httpx.AsyncClient) -> None:
    await ask(client, "a", "promote")
    await until(client, "a", state="serving")
    assert (await ask(client, "b", "shadow", {"share": 1.0})).status_code == 202
    found = await until(client, "b", state="shadow")
    assert (found["role"], found["share"]) == ("shadow", 1.0)
    async with difference(client, "kuajie_intent_shadow_compared_texts_total", version="b", language="zh") as compared:
        answer = await client.post("/v1/understand", json={"texts": ["退款", "买课", "refund"]})
        assert [result["label"] for result in answer.json()["results"]] == ["greeting"] * 3
        async with asyncio.timeout(60):
            while len((await view(client, "b"))["agreement"]) < 2:
                await asyncio.sleep(0.05)
    assert compared == [2.0]
    [english, chinese] = (await view(client, "b"))["agreement"]
    assert english == {
        "against": "a",
        "language": "en",
        "texts": 1,
        "label": 0.0,
        "in_scope": 1.0,
        "sentiment": 0.0,
        "confidence_gap": 0.0,
        "purchase_gap": 0.0,
    }
    assert (chinese["language"], chinese["texts"]) == ("zh", 2)
    other = await ask(client, KEYWORD, "shadow", {"share": 1.0})
    assert (other.status_code, other.json()["code"]) == (409, "another_shadow")
    await ask(client, "b", "unshadow")
    found = await until(client, "b", state="ready")
    assert len(found["agreement"]) == 2
    await ask(client, "b", "shadow", {"share": 1.0})
    assert (await view(client, "b"))["agreement"] == []


async def test_a_share_that_is_none_is_refused_by_name(client: httpx.AsyncClient) -> None:
    for share in (0, 1.5, "half", -1):
        refused = await ask(client, "a", "shadow", {"share": share})
        assert (refused.status_code, refused.json()["param"]) == (422, "share")


async def test_ending_what_is_no_shadow_is_a_conflict(client: httpx.AsyncClient) -> None:
    refused = await ask(client, "a", "unshadow")
    assert (refused.status_code, refused.json()["code"]) == (409, "no_shadow")
