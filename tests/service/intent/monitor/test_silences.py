"""Silences: what they are about, until when, and what a bad one is refused for."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from services.intent.monitor.detecting import detect
from services.kit.database import Database
from tests.service.intent.monitor.surging import (
    DETECTION,
    DOCUMENT,
    HOUR,
    NOON,
    alerts,
    history,
    hour,
    silence,
    surge,
    told,
)


async def test_a_silence_keeps_an_alert_from_being_told_until_it_ends(
    client: httpx.AsyncClient, db: Database, hook: str
) -> None:
    await history(db, "claims")
    made = await silence(client, topic="claims", by="pr")
    assert (made["created_by"], made["source"]) == ("pr", None)
    await detect(db, DETECTION, await surge(db))
    [alert] = await alerts(client)
    assert (alert["status"], alert["told_at"], alert["silence_id"]) == ("open", None, made["silence_id"])
    assert await told(db) == []
    await detect(db, DETECTION, NOON + 2 * HOUR)
    assert await alerts(client) == [alert]
    await detect(db, DETECTION, await surge(db, hours=5))
    [alert] = await alerts(client)
    assert (alert["silence_id"], await told(db)) == (None, ["alert.opened"])


async def test_the_end_of_an_alert_that_was_told_is_told_in_spite_of_a_silence_that_began_after_it(
    client: httpx.AsyncClient, db: Database, hook: str
) -> None:
    await history(db, "claims")
    after = await surge(db)
    await detect(db, DETECTION, after)
    await silence(client, topic="claims", starts_at=after.isoformat(), ends_at=(after + 48 * HOUR).isoformat())
    for place in range(10):
        await hour(db, after + place * HOUR, 5, 20)
    await detect(db, DETECTION, after + 10 * HOUR)
    assert await told(db) == ["alert.opened", "alert.resolved"]


async def test_an_alert_of_which_nobody_was_told_is_opened_to_them_by_a_topic_that_no_silence_covers(
    client: httpx.AsyncClient, db: Database, hook: str
) -> None:
    await history(db, "claims", "service")
    await silence(client, topic="claims")
    after = await surge(db)
    for place in range(2):
        await hour(db, NOON + place * HOUR, 5, 20, "service")
    await detect(db, DETECTION, after)
    assert await told(db) == []
    await surge(db, topic="service", begin=after)
    await surge(db, begin=after)
    await detect(db, DETECTION, after + 2 * HOUR)
    assert await told(db) == ["alert.opened"]
    assert [each["topics"] for each in await alerts(client)] == [["claims", "service"]]


@pytest.mark.parametrize(
    ("matcher", "expected"),
    [
        ({"topic": "fees"}, ["alert.opened"]),
        ({"source": "weibo"}, []),
        ({"source": "news"}, ["alert.opened"]),
        ({"topic": "claims", "source": "weibo"}, []),
        ({"topic": "claims", "source": "news"}, ["alert.opened"]),
    ],
)
async def test_a_silence_is_about_its_topic_and_the_source_that_most_of_it_comes_from(
    client: httpx.AsyncClient, db: Database, hook: str, matcher: dict[str, str], expected: list[str]
) -> None:
    await history(db, "claims")
    await silence(client, **matcher)
    after = await surge(db)
    async with db.begin() as connection:
        for n in range(3):
            values = {"name": f"d{n}", "author": "h", "cluster": f"d{n}", "at": NOON + timedelta(minutes=n)}
            await connection.execute(DOCUMENT, values)
    await detect(db, DETECTION, after)
    assert await told(db) == expected


async def test_a_source_with_less_than_half_of_a_surge_is_not_its_main_one_however_many_the_others_are(
    client: httpx.AsyncClient, db: Database, hook: str
) -> None:
    await history(db, "claims")
    await silence(client, source="weibo")
    after = await surge(db)
    async with db.begin() as connection:
        for n in range(90):
            values = {"name": f"d{n}", "author": "h", "cluster": f"d{n}", "at": NOON + timedelta(minutes=n)}
            await connection.execute(DOCUMENT, values)
        await connection.execute(text("UPDATE monitor_documents SET source = document_id WHERE document_id > 'd3'"))
    await detect(db, DETECTION, after)
    [found] = (await alerts(client))[0]["surges"]
    assert (len(found["sources"]), found["sources"]["weibo"], found["main_source"]) == (20, 24, None)
    assert await told(db) == ["alert.opened"]


async def test_a_silence_can_be_ended_and_is_listed(client: httpx.AsyncClient) -> None:
    made = await silence(client, topic="claims")
    ended = await client.delete(f"/v1/monitor/silences/{made['silence_id']}")
    assert (ended.status_code, ended.json()["ends_at"] < made["ends_at"]) == (200, True)
    assert (await client.get("/v1/monitor/silences", params={"active": True})).json()["data"] == []
    assert len((await client.get("/v1/monitor/silences")).json()["data"]) == 1
    assert (await client.delete("/v1/monitor/silences/sil_none")).status_code == 404


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"reason": "x", "ends_at": "2099-01-01T00:00:00Z"}, "body"),
        ({"topic": "claims", "reason": "x", "ends_at": "2020-01-01T00:00:00Z"}, "ends_at"),
        ({"topic": "claims", "ends_at": "2099-01-01T00:00:00Z"}, "reason"),
        (
            {"topic": "claims", "reason": "x", "starts_at": "2099-01-02T00:00:00Z", "ends_at": "2099-01-01T00:00:00Z"},
            "body",
        ),
        ({"topic": "rain", "reason": "x", "ends_at": "2099-01-01T00:00:00Z"}, "topic"),
    ],
)
async def test_a_silence_names_what_until_when_and_why(
    client: httpx.AsyncClient, body: dict[str, str], param: str
) -> None:
    answer = await client.post("/v1/monitor/silences", json=body)
    assert (answer.status_code, answer.json()["param"]) == (422, param)
