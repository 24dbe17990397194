"""Documents that are like others: which, for how long, and in which cases not."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx

from services.intent.monitor.documents import CANDIDATES, firsts
from services.intent.monitor.retention import Kept, forget_old
from services.kit.database import Database, driver
from tests.service.intent.monitor.sending import HOUR, NEWS, document, send, statuses


async def test_the_same_words_days_later_are_another_opinion(client: httpx.AsyncClient) -> None:
    answer = await send(
        client,
        document("a", at=HOUR - timedelta(hours=73)),
        document("b"),
        document("c", at=HOUR - timedelta(hours=72)),
    )
    assert statuses(answer) == ["accepted", "accepted", "near_duplicate"]


async def test_what_is_like_a_document_that_is_kept_no_longer_is_the_first_of_its_kind(
    client: httpx.AsyncClient, db: Database
) -> None:
    kept, old = Kept(timedelta(days=90), timedelta(days=400), timedelta(hours=72)), HOUR - timedelta(days=89)
    await send(client, document("a", at=old))
    await forget_old(db, kept, datetime.now(UTC) + timedelta(days=1))
    assert (await client.get("/v1/monitor/documents/a")).status_code == 404
    answer = await send(client, document("b", at=old + timedelta(hours=1)), document("c"))
    assert statuses(answer) == ["accepted", "accepted"]


async def test_short_texts_that_are_alike_are_many_opinions(client: httpx.AsyncClient) -> None:
    answer = await send(client, *(document(f"s{n}", "太差了") for n in range(3)))
    assert statuses(answer) == ["accepted"] * 3


async def test_two_copies_that_come_at_once_find_each_other(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(send(client, document(f"p{n}")) for n in range(8)))
    assert sorted(each for answer in answers for each in statuses(answer)) == ["accepted"] + ["near_duplicate"] * 7


async def test_a_document_that_is_kept_no_longer_may_come_again_with_another_date(
    client: httpx.AsyncClient, db: Database
) -> None:
    kept = Kept(timedelta(days=90), timedelta(days=400), timedelta(hours=72))
    await send(client, document("a", at=HOUR - timedelta(days=89)))
    await forget_old(db, kept, datetime.now(UTC) + timedelta(days=1))
    assert statuses(await send(client, document("a"), document("b"))) == ["accepted", "near_duplicate"]


async def test_what_comes_first_after_a_hashtag_or_a_handle_is_compared_too(client: httpx.AsyncClient) -> None:
    copies = [f"#岚榈财险拒赔#{NEWS}", f"转发微博//@财经早知道:{NEWS}", f"http://t.cn/A6xYz{NEWS}"]
    answer = await send(client, document("a"), *(document(f"c{n}", text) for n, text in enumerate(copies)))
    assert statuses(answer) == ["accepted"] + ["near_duplicate"] * 3


async def test_more_documents_are_met_than_a_statement_takes_parameters(db: Database) -> None:
    async with db.connect() as connection:
        assert await firsts(connection, "default", {f"d{n}" for n in range(32_768)}) == {}


async def test_a_band_that_many_share_is_met_by_when_they_were_published(db: Database) -> None:
    async with db.begin() as connection:
        raw = await driver(connection)
        await raw.execute("SET LOCAL enable_seqscan = off")
        asked = ["default", ["a"], [42], [HOUR], timedelta(hours=72)]
        plan = [row[0] for row in await raw.fetch(f"EXPLAIN {CANDIDATES}", *asked)]
    [condition] = [line for line in plan if "Index Cond" in line]
    assert all(f"({column} " in condition for column in ("tenant_id", "band", "published_at"))
