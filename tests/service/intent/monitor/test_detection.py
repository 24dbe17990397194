"""From hours to alerts: what opens one, and what does not."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import exc, text

from services.intent.monitor.detecting import detect
from services.kit.database import Database
from tests.service.intent.conftest import Headers
from tests.service.intent.monitor.surging import (
    DETECTION,
    DOCUMENT,
    HISTORY,
    HOUR,
    NOON,
    SCOPES,
    alerts,
    history,
    hour,
    surge,
    told,
)

FORMER = text(
    "UPDATE monitor_surges SET detectors = '{count_ewma,share_cusum,count_cusum}', evidence = jsonb_set(evidence, '{hours}', "
    "jsonb_build_array((evidence->'hours'->0) - 'z' - 'log_ratio' || '{\"count_z\": 4.1, \"share_z\": 3.0}'))"
)


async def test_a_surge_opens_an_alert_with_its_evidence(client: httpx.AsyncClient, db: Database, hook: str) -> None:
    await history(db, "claims", "service")
    after = await surge(db)
    await hour(db, NOON, 10, 12, source="news")
    async with db.begin() as connection:
        for n in range(6):
            cluster = "a" if n < 3 else f"c{n}"
            values = {
                "name": "a" if n == 0 else f"c{n}",
                "author": f"h{n % 4}",
                "cluster": cluster,
                "at": NOON + n * 10 * timedelta(minutes=1),
            }
            await connection.execute(DOCUMENT, values)
    await detect(db, DETECTION, after)
    [alert] = await alerts(client)
    assert (alert["status"], alert["topics"], alert["revision"]) == ("open", ["claims"], 2)
    [found] = alert["surges"]
    assert found["began"] == NOON.isoformat().replace("+00:00", "Z")
    assert (found["documents"], found["negatives"]) == (132, 90)
    assert found["expected_negatives"] == pytest.approx(10, abs=0.5)
    assert found["ratio"] == pytest.approx(9, abs=0.5)
    assert found["share_low"] > found["usual_share"]
    assert [(each["negatives"], each["documents"]) for each in found["hours"]] == [(50, 72), (40, 60)]
    assert {"ewma", "cusum"} == set(found["detectors"])
    assert (found["authors"], found["sources"]) == (4, {"weibo": 6})
    assert found["examples"][0] == {"document_id": "a", "documents": 3, "source": "weibo"}
    assert await told(db) == ["alert.opened"]


async def test_a_topic_that_is_new_has_no_ratio_to_what_was_expected(
    client: httpx.AsyncClient, db: Database, hook: str
) -> None:
    await history(db, "service")
    await detect(db, DETECTION, await surge(db))
    [found] = (await alerts(client))[0]["surges"]
    assert (found["topic"], found["negatives"], found["expected_negatives"]) == ("claims", 80, 0.0)
    assert found["ratio"] is None


async def test_a_surge_that_a_former_version_stored_is_read_by_the_names_of_today_and_without_its_hours(
    client: httpx.AsyncClient, db: Database
) -> None:
    await history(db, "claims")
    await detect(db, DETECTION, await surge(db))
    async with db.begin() as connection:
        await connection.execute(FORMER)
    [alert] = await alerts(client)
    [found] = alert["surges"]
    assert (found["detectors"], found["hours"], found["negatives"]) == (["ewma", "cusum"], [], 80)


async def test_the_same_surge_is_told_once_however_often_it_is_seen(
    client: httpx.AsyncClient, db: Database, hook: str
) -> None:
    await history(db, "claims")
    after = await surge(db, hours=1)
    for _ in range(3):
        await detect(db, DETECTION, after)
    await hour(db, after, 40, 60)
    await detect(db, DETECTION, after + HOUR)
    [alert] = await alerts(client)
    assert alert["surges"][0]["last_hour"] == after.isoformat().replace("+00:00", "Z")
    assert await told(db) == ["alert.opened"]


async def test_the_hour_that_runs_can_open_an_alert(client: httpx.AsyncClient, db: Database) -> None:
    await history(db, "claims")
    await surge(db, hours=1)
    await detect(db, DETECTION, NOON + timedelta(minutes=20))
    assert [each["status"] for each in await alerts(client)] == ["open"]


async def test_three_negative_texts_at_night_are_no_surge(client: httpx.AsyncClient, db: Database) -> None:
    async with db.begin() as connection:
        values = {"tenant": "default", "topics": ["claims"], "since": NOON - timedelta(weeks=9), "until": NOON - HOUR}
        await connection.execute(text(str(HISTORY).replace("20, 5, 20, 5, 20", "0, 0, 0, 0, 0")), values)
    await history(db, "service")
    await hour(db, NOON, 3, 3)
    await hour(db, NOON + HOUR, 3, 3)
    await detect(db, DETECTION, NOON + 2 * HOUR)
    assert await alerts(client) == []


async def test_more_documents_of_the_usual_kind_are_no_surge(client: httpx.AsyncClient, db: Database) -> None:
    await history(db, "claims")
    await hour(db, NOON, 25, 100)
    await hour(db, NOON + HOUR, 25, 100)
    await detect(db, DETECTION, NOON + 2 * HOUR)
    assert await alerts(client) == []


async def test_without_four_weeks_of_history_nothing_is_judged(client: httpx.AsyncClient, db: Database) -> None:
    await history(db, "claims", weeks=3.5)
    await detect(db, DETECTION, await surge(db))
    assert await alerts(client) == []


async def test_a_stream_of_one_day_and_one_old_document_has_no_history(client: httpx.AsyncClient, db: Database) -> None:
    await hour(db, NOON - timedelta(weeks=8), 1, 1)
    await detect(db, DETECTION, await surge(db, hours=8))
    assert await alerts(client) == []


async def test_a_backlog_of_old_hours_opens_nothing(client: httpx.AsyncClient, db: Database) -> None:
    await history(db, "claims")
    await surge(db, begin=NOON - timedelta(days=5), hours=6)
    await detect(db, DETECTION, NOON)
    assert await alerts(client) == []


async def test_tenants_are_judged_apart(client: httpx.AsyncClient, db: Database, internal_headers: Headers) -> None:
    await history(db, "claims", tenant="other")
    await history(db, "claims")
    await detect(db, DETECTION, await surge(db))
    assert len(await alerts(client)) == 1
    other = await client.get("/v1/monitor/alerts", headers=internal_headers(*SCOPES, tenant="other"))
    assert other.json()["data"] == []


async def test_a_tenant_whose_alert_somebody_keeps_locked_holds_up_no_other(
    client: httpx.AsyncClient, db: Database
) -> None:
    await history(db, "claims", tenant="another")
    await hour(db, NOON, 40, 60, tenant="another")
    await detect(db, DETECTION, NOON + HOUR)
    await history(db, "claims")
    after = await surge(db)
    async with db.begin() as connection:
        await connection.execute(text("SELECT FROM monitor_alerts WHERE tenant_id = 'another' FOR UPDATE"))
        with pytest.raises(exc.DBAPIError, match="lock timeout"):
            await detect(db, DETECTION, after)
    assert [each["topics"] for each in await alerts(client)] == [["claims"]]
