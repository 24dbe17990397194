"""Documents of opinion monitoring over HTTP: verdicts, near-duplicates, topics, the hours they are counted in."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import text

from services.intent.app import create_app
from services.kit.database import Database
from tests.service.intent.conftest import Headers, MakeSettings, OpenClient
from tests.service.intent.monitor.sending import HOUR, NEWS, document, send, statuses

SCOPES = ("monitor:write", "monitor:read")


@pytest.fixture
async def client(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings
) -> AsyncIterator[httpx.AsyncClient]:
    async with app_client(create_app(make_settings())) as client:
        client.headers.update(internal_headers(*SCOPES))
        yield client


async def classified(client: httpx.AsyncClient, *names: str) -> list[dict[str, Any]]:
    """The documents, once the worker has read them."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(60):
        for name in names:
            while True:
                answer = (await client.get(f"/v1/monitor/documents/{name}")).json()
                if answer["state"] != "pending":
                    break
                await asyncio.sleep(0.05)
            found.append(answer)
    return found


async def points(client: httpx.AsyncClient, **query: str) -> list[dict[str, Any]]:
    asked = {"topic": "claims", "since": HOUR.isoformat(), "until": (HOUR + timedelta(hours=2)).isoformat(), **query}
    answer = await client.get("/v1/monitor/series", params=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["series"][0]["points"]
    return found


async def test_a_document_gets_its_topic_and_sentiment_and_is_counted_in_its_hour(client: httpx.AsyncClient) -> None:
    answer = await send(client, document("d1", source="weibo", weight=12.5, at=HOUR + timedelta(minutes=59)))
    assert answer["results"] == [
        {
            "document_id": "d1",
            "status": "accepted",
            "near_duplicate_of": None,
            "similarity": None,
            "code": None,
            "param": None,
            "detail": None,
        }
    ]
    [found] = await classified(client, "d1")
    assert (found["topic"], found["sentiment"], found["cluster_id"]) == ("claims", "negative", "d1")
    assert found["model"].startswith("keyword/")
    first, second = await points(client)
    assert (first["documents"], first["negatives"], first["negative_share"], first["reach"]) == (1, 1, 1.0, 12.5)
    assert (second["documents"], second["negative_share"], second["share_low"], second["share_high"]) == (
        0,
        None,
        0.0,
        1.0,
    )
    assert [each["documents"] for each in await points(client, source="weibo")] == [1, 0]
    assert [each["documents"] for each in await points(client, source="news")] == [0, 0]


async def test_the_good_ones_are_kept_and_the_bad_ones_are_named(client: httpx.AsyncClient) -> None:
    answer = await send(
        client,
        document("ok"),
        {"document_id": "no-text", "published_at": HOUR.isoformat()},
        document("blank", " \n"),
        document("binary", "PNG\x00\x01"),
        document("long", "长" * 5_001),
        document("naive") | {"published_at": "2026-01-01T00:00:00"},
        document("future", at=datetime.now(UTC) + timedelta(hours=1)),
        document("old", at=HOUR - timedelta(days=91)),
        document("extra", language="zh"),
        document("script", url="javascript:alert(1)"),
        {"text": NEWS, "published_at": HOUR.isoformat()},
        "not an object",
        None,
    )
    assert (answer["accepted"], answer["invalid"]) == (1, 12)
    assert [(each["document_id"], each["code"], each["param"]) for each in answer["results"][1:]] == [
        ("no-text", "missing", "documents.1.text"),
        ("blank", "blank_text", "documents.2.text"),
        ("binary", "binary_text", "documents.3.text"),
        ("long", "string_too_long", "documents.4.text"),
        ("naive", "timezone_aware", "documents.5.published_at"),
        ("future", "published_in_future", "documents.6.published_at"),
        ("old", "too_old", "documents.7.published_at"),
        ("extra", "extra_forbidden", "documents.8.language"),
        ("script", "string_pattern_mismatch", "documents.9.url"),
        (None, "missing", "documents.10.document_id"),
        (None, "model_type", "documents.11"),
        (None, "model_type", "documents.12"),
    ]
    assert (await client.get("/v1/monitor/documents/blank")).status_code == 404


async def test_a_known_id_counts_once_and_another_text_for_it_is_said(client: httpx.AsyncClient) -> None:
    await send(client, document("d1"))
    again = await send(
        client, document("d1"), document("d1", "完全不同的另外一段文字,说的是别的事情"), document("d2", "客服很好")
    )
    assert statuses(again) == ["duplicate", "duplicate", "accepted"]
    assert [each["code"] for each in again["results"]] == [None, "text_changed", None]
    assert statuses(await send(client, document("e"), document("e", "同一批里的第二段文字"))) == [
        "near_duplicate",
        "duplicate",
    ]
    [found] = await classified(client, "d1")
    assert found["text"] == NEWS


async def test_near_duplicates_count_once_and_keep_their_number(client: httpx.AsyncClient) -> None:
    copies = [document(f"c{n}", f"转发 {n}:{NEWS}", at=HOUR + timedelta(minutes=n)) for n in range(1, 4)]
    first = await send(client, document("c0"), copies[0])
    second = await send(client, *copies[1:], document("other", "客服小姐姐非常耐心,问题一次就解决了,给好评"))
    assert statuses(first) == ["accepted", "near_duplicate"]
    assert statuses(second) == ["near_duplicate", "near_duplicate", "accepted"]
    assert {each["near_duplicate_of"] for each in second["results"]} == {"c0", None}
    assert second["results"][0]["similarity"] > 0.7
    await classified(client, "c0", "c1", "c2", "c3", "other")
    point = (await points(client))[0]
    assert (point["documents"], point["negatives"], point["received"], point["received_negatives"]) == (1, 1, 4, 4)
    listed = (await client.get("/v1/monitor/documents", params={"cluster_id": "c0"})).json()["data"]
    assert [each["document_id"] for each in listed] == ["c3", "c2", "c1", "c0"]


async def test_batches_that_wait_for_each_other_leave_connections_to_others(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings, db: Database
) -> None:
    settings = make_settings(roles=frozenset({"api"}), database_pool_size=3)
    async with app_client(create_app(settings)) as client, db.begin() as holder:
        client.headers.update(internal_headers(*SCOPES))
        await holder.execute(text("SELECT pg_advisory_xact_lock(x'6D6F6E69'::int, hashtext('default'))"))
        waiting = [asyncio.create_task(send(client, document(f"w{n}"))) for n in range(6)]
        await asyncio.sleep(0.5)
        assert (await client.get("/v1/monitor/alerts")).status_code == 200
        await holder.rollback()
        answers = [await each for each in waiting]
    assert sorted(each for answer in answers for each in statuses(answer)) == ["accepted"] + ["near_duplicate"] * 5


async def test_tenants_do_not_see_each_other(client: httpx.AsyncClient, internal_headers: Headers) -> None:
    await send(client, document("d1"))
    await classified(client, "d1")
    other = internal_headers(*SCOPES, tenant="other")
    sent = await client.post("/v1/monitor/documents", json={"documents": [document("d1")]}, headers=other)
    assert statuses(sent.json()) == ["accepted"]
    assert (await client.get("/v1/monitor/documents/d1", headers=other)).json()["cluster_id"] == "d1"
    assert (await points(client))[0]["documents"] == 1


async def test_documents_are_read_in_pages_the_newest_first(client: httpx.AsyncClient) -> None:
    texts = ["太差了", "很好", "一般", "差", "还行"]
    await send(client, *(document(f"d{n}", text, at=HOUR + timedelta(minutes=n)) for n, text in enumerate(texts)))
    seen, cursor = [], None
    while True:
        page = (
            await client.get("/v1/monitor/documents", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        ).json()
        seen += [each["document_id"] for each in page["data"]]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break
    assert seen == ["d4", "d3", "d2", "d1", "d0"]
    bad = await client.get("/v1/monitor/documents", params={"cursor": "bm9wZQ"})
    assert (bad.status_code, bad.json()["param"]) == (400, "cursor")


async def test_the_id_of_a_document_may_be_its_address(client: httpx.AsyncClient) -> None:
    address = "https://news.example/claims/1?page=2#end"
    await send(client, document(address))
    found = await client.get(f"/v1/monitor/documents/{quote(address, safe='')}")
    assert (found.status_code, found.json()["document_id"]) == (200, address)


async def test_days_begin_at_midnight_of_the_tenants_zone(client: httpx.AsyncClient) -> None:
    midnight = (HOUR - timedelta(days=3)).replace(hour=16)  # 0:00 in Shanghai
    await send(
        client,
        document("before", "太差了", at=midnight - timedelta(seconds=1)),
        document("after", "太差了", at=midnight),
    )
    await classified(client, "before", "after")
    query = {
        "step": "1d",
        "since": (midnight - timedelta(hours=1)).isoformat(),
        "until": (midnight + timedelta(hours=1)).isoformat(),
    }
    answer = (await client.get("/v1/monitor/series", params=query)).json()
    assert answer["timezone"] == "Asia/Shanghai"
    days = [[point["documents"] for point in each["points"]] for each in answer["series"]]
    assert [sum(column) for column in zip(*days, strict=True)] == [1, 1]
    assert answer["series"][0]["points"][1]["begin"] == midnight.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(("name", "minutes"), [("Asia/Kolkata", 30), ("Asia/Kathmandu", 45)])
async def test_a_day_that_begins_within_an_hour_is_told_from_the_first_hour_that_counts_for_it(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings, name: str, minutes: int
) -> None:
    midnight = datetime.now(ZoneInfo(name)).replace(hour=0, minute=0, second=0, microsecond=0)
    begin = midnight + timedelta(minutes=minutes) - timedelta(days=2)
    query = {
        "step": "1d",
        "since": (midnight - timedelta(days=3)).isoformat(),
        "until": (midnight - timedelta(days=1)).isoformat(),
    }
    async with app_client(create_app(make_settings(monitor_timezone=name))) as client:
        client.headers.update(internal_headers(*SCOPES))
        shifts = {"before": timedelta(seconds=-1), "first": timedelta(0), "last": timedelta(hours=24, seconds=-1)}
        await send(client, *(document(each, "太差了", at=begin + shift) for each, shift in shifts.items()))
        [topic] = {each["topic"] for each in await classified(client, *shifts)}
        shown = await points(client, topic=topic, **query)
    assert [datetime.fromisoformat(each["begin"]) for each in shown] == [begin - timedelta(days=1), begin]
    assert [each["documents"] for each in shown] == [1, 2]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"since": "2020-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "since"),
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "until"),
        ({"since": "2026-01-02T00:00:00"}, "since"),
        ({"since": "0001-01-01T00:00:00+14:00", "until": "0001-01-02T00:00:00Z"}, "since"),
        ({"topic": "weather"}, "topic"),
        ({"step": "2h"}, "step"),
    ],
)
async def test_a_series_that_cannot_be_given_is_refused_by_name(
    client: httpx.AsyncClient, query: dict[str, str], param: str
) -> None:
    answer = await client.get("/v1/monitor/series", params=query)
    assert (answer.status_code, answer.json()["param"]) == (422, param)


@pytest.mark.parametrize(("count", "status"), [(0, 422), (200, 200), (201, 422)])
async def test_a_batch_has_one_to_two_hundred_documents(client: httpx.AsyncClient, count: int, status: int) -> None:
    body = {"documents": [document(f"n{n}", f"第{n}条") for n in range(count)]}
    assert (await client.post("/v1/monitor/documents", json=body)).status_code == status


async def test_without_the_database_nothing_is_taken_and_it_is_said(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings
) -> None:
    dead = make_settings(database_url="postgresql+asyncpg://nobody:x@127.0.0.1:1/none")
    async with app_client(create_app(dead)) as client:
        answer = await client.post(
            "/v1/monitor/documents", json={"documents": [document("d1")]}, headers=internal_headers(*SCOPES)
        )
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
