"""From hours to alerts: surges found, grouped, repeated, silenced, resolved; what is told of them."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import exc, text

from services.intent.app import create_app
from services.intent.monitor.detecting import Detection, detect
from services.intent.settings import IntentSettings
from services.kit.database import Database

OpenClient = Callable[[FastAPI], AbstractAsyncContextManager[httpx.AsyncClient]]
Headers = Callable[..., dict[str, str]]
MakeSettings = Callable[..., IntentSettings]

NOON = datetime.now(UTC).replace(hour=4, minute=0, second=0, microsecond=0) + timedelta(days=1)
"""Noon in Shanghai, tomorrow: silences end in the future."""
HOUR = timedelta(hours=1)
DETECTION = Detection(lambda _: ZoneInfo("Asia/Shanghai"))
SCOPES = ("monitor:read", "monitor:alerts", "monitor:webhooks", "monitor:write")
KEYS = "one:0123456789abcdef0123456789abcdef"

HISTORY = text(
    "INSERT INTO monitor_hours (tenant_id, topic, hour, source, documents, negatives, received, received_negatives, reach) "
    "SELECT :tenant, topic, hour, 'weibo', 20, 5, 20, 5, 20 "
    "FROM unnest(CAST(:topics AS text[])) topic, generate_series(CAST(:since AS timestamptz), :until, interval '1 hour') hour"
)
MORE = text(
    "INSERT INTO monitor_hours (tenant_id, topic, hour, source, documents, negatives, received, received_negatives, reach) "
    "VALUES (:tenant, :topic, :hour, :source, :documents, :negatives, :documents, :negatives, 0) "
    "ON CONFLICT (tenant_id, topic, hour, source) DO UPDATE SET documents = excluded.documents, negatives = excluded.negatives"
)
DOCUMENT = text(
    "INSERT INTO monitor_documents (tenant_id, document_id, text, digest, published_at, received_at, source, author_hash, weight, "
    "cluster_id, state, topic, sentiment) VALUES ('default', :name, 'x', '', :at, :at, 'weibo', :author, 1, :cluster, 'classified', "
    "'claims', 'negative')"
)

FORMER = text(
    "UPDATE monitor_surges SET detectors = '{count_ewma,share_cusum,count_cusum}', evidence = jsonb_set(evidence, '{hours}', "
    "jsonb_build_array((evidence->'hours'->0) - 'z' - 'log_ratio' || '{\"count_z\": 4.1, \"share_z\": 3.0}'))"
)


@pytest.fixture
async def db(make_settings: MakeSettings) -> AsyncIterator[Database]:
    database = Database.open(make_settings().database_url.get_secret_value())
    yield database
    await database.close()


@pytest.fixture
async def client(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings
) -> AsyncIterator[httpx.AsyncClient]:
    """The API alone: no worker looks for surges but the test."""
    settings = make_settings(roles=frozenset({"api"}), sealing_keys=KEYS)
    async with app_client(create_app(settings)) as client:
        client.headers.update(internal_headers(*SCOPES, subject="desk"))
        yield client


async def history(
    db: Database, *topics: str, until: datetime = NOON, weeks: float = 9, tenant: str = "default"
) -> None:
    """Twenty documents an hour, five of them negative, up to `until`, that hour not included."""
    since = until - timedelta(weeks=weeks)
    async with db.begin() as connection:
        values = {"tenant": tenant, "topics": list(topics), "since": since, "until": until - HOUR}
        await connection.execute(HISTORY, values)


async def hour(
    db: Database,
    at: datetime,
    negatives: int,
    documents: int,
    topic: str = "claims",
    source: str = "weibo",
    tenant: str = "default",
) -> None:
    async with db.begin() as connection:
        values = {"tenant": tenant, "topic": topic, "hour": at, "source": source}
        await connection.execute(MORE, values | {"negatives": negatives, "documents": documents})


async def alerts(client: httpx.AsyncClient, **query: str) -> list[dict[str, Any]]:
    answer = await client.get("/v1/monitor/alerts", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def told(db: Database) -> list[str]:
    async with db.connect() as connection:
        rows = await connection.execute(text("SELECT event FROM monitor_notifications ORDER BY notification_id"))
        return [row.event for row in rows]


@pytest.fixture
async def hook(client: httpx.AsyncClient) -> str:
    answer = await client.post("/v1/monitor/webhooks", json={"url": "https://hooks.example.com/kuajie"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["webhook_id"])


async def surge(db: Database, *, hours: int = 2, topic: str = "claims", begin: datetime = NOON) -> datetime:
    """A surge of whole hours; the moment after it."""
    for place in range(hours):
        await hour(db, begin + place * HOUR, 40, 60, topic)
    return begin + hours * HOUR


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


async def test_topics_that_surge_within_hours_share_an_alert_and_others_do_not(
    client: httpx.AsyncClient, db: Database, hook: str
) -> None:
    await history(db, "claims", "service", "fees", until=NOON)
    after = await surge(db)
    for at in range(2):
        await hour(db, NOON + at * HOUR, 5, 20, "service")
    await detect(db, DETECTION, after)
    await surge(db, topic="service", begin=after)
    await hour(db, after, 40, 60)
    await hour(db, after + HOUR, 40, 60)
    await detect(db, DETECTION, after + 2 * HOUR)
    [alert] = await alerts(client)
    assert alert["topics"] == ["claims", "service"]
    assert [each["topic"] for each in alert["surges"]] == ["claims", "service"]
    assert await told(db) == ["alert.opened", "alert.updated"]


async def quiet(db: Database, begin: datetime, hours: int, topic: str = "claims") -> datetime:
    for place in range(hours):
        await hour(db, begin + place * HOUR, 5, 20, topic)
    return begin + hours * HOUR


async def test_an_alert_resolves_by_itself_once_it_has_been_calm(
    client: httpx.AsyncClient, db: Database, hook: str
) -> None:
    await history(db, "claims")
    after = await surge(db)
    await detect(db, DETECTION, after)
    still = await quiet(db, after, 3)
    await detect(db, DETECTION, still)
    assert [each["status"] for each in await alerts(client)] == ["open"]
    calm = await quiet(db, still, 7)
    await detect(db, DETECTION, calm)
    [alert] = await alerts(client)
    assert (alert["status"], alert["resolved_by"]) == ("resolved", "calm")
    assert alert["surges"][0]["ended_at"] is not None
    assert (await told(db))[0] == "alert.opened"
    assert (await told(db))[-1] == "alert.resolved"
    await detect(db, DETECTION, calm)
    assert [each["status"] for each in await alerts(client)] == ["resolved"]


async def test_an_alert_does_not_resolve_because_nothing_comes_any_more(
    client: httpx.AsyncClient, db: Database
) -> None:
    await history(db, "claims")
    after = await surge(db)
    await detect(db, DETECTION, after)
    await detect(db, DETECTION, after + 20 * HOUR)
    assert [each["status"] for each in await alerts(client)] == ["open"]
    await detect(db, DETECTION, await quiet(db, after + 20 * HOUR, 8))
    assert [(each["status"], len(each["surges"])) for each in await alerts(client)] == [("resolved", 1)]


async def test_an_open_alert_is_not_told_again_while_its_stream_stands_still(db: Database, hook: str) -> None:
    await history(db, "claims")
    after = await surge(db)
    for hours in (0, 7, 14, 40):
        await detect(db, DETECTION, after + hours * HOUR)
    assert await told(db) == ["alert.opened"]


async def test_a_stream_of_one_day_and_one_old_document_has_no_history(client: httpx.AsyncClient, db: Database) -> None:
    await hour(db, NOON - timedelta(weeks=8), 1, 1)
    await detect(db, DETECTION, await surge(db, hours=8))
    assert await alerts(client) == []


async def test_an_alert_that_lasts_is_told_again_until_it_is_acknowledged(
    client: httpx.AsyncClient, db: Database, hook: str
) -> None:
    await history(db, "claims")
    for hours in (2, 7, 8, 14):
        await detect(db, DETECTION, await surge(db, hours=hours))
    assert await told(db) == ["alert.opened", "alert.repeated", "alert.repeated"]
    [alert] = await alerts(client)
    seen = await client.post(f"/v1/monitor/alerts/{alert['alert_id']}/acknowledge", json={"note": "press office knows"})
    assert seen.status_code == 200
    assert (seen.json()["status"], seen.json()["acknowledged_by"], seen.json()["note"]) == (
        "acknowledged",
        "desk",
        "press office knows",
    )
    await detect(db, DETECTION, await surge(db, hours=30))
    assert (await told(db)).count("alert.repeated") == 2


async def test_an_alert_resolved_by_hand_does_not_come_back_while_the_surge_lasts(
    client: httpx.AsyncClient, db: Database, hook: str
) -> None:
    await history(db, "claims")
    after = await surge(db)
    await detect(db, DETECTION, after)
    [alert] = await alerts(client)
    path = f"/v1/monitor/alerts/{alert['alert_id']}"
    closed = await client.post(f"{path}/resolve", json={"by": "risk-desk"})
    assert (closed.status_code, closed.json()["resolved_by"]) == (200, "risk-desk")
    await detect(db, DETECTION, await surge(db, hours=5))
    assert len(await alerts(client)) == 1
    for action in ("resolve", "acknowledge"):
        again = await client.post(f"{path}/{action}", json={})
        assert (again.status_code, again.json()["code"]) == (409, "alert_resolved")
    assert await told(db) == ["alert.opened", "alert.resolved"]


async def silence(client: httpx.AsyncClient, **body: object) -> dict[str, Any]:
    ends = (NOON + 4 * HOUR).isoformat()
    answer = await client.post("/v1/monitor/silences", json={"ends_at": ends, "reason": "known outage", **body})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


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


async def test_what_is_told_is_the_alert_in_the_form_of_standard_webhooks(
    client: httpx.AsyncClient, db: Database, hook: str
) -> None:
    await history(db, "claims")
    await detect(db, DETECTION, await surge(db))
    async with db.connect() as connection:
        body = json.loads(await connection.scalar(text("SELECT body FROM monitor_notifications")))
    [alert] = await alerts(client)
    assert set(body) == {"type", "timestamp", "data"}
    assert (body["type"], body["data"]["alert_id"], body["data"]["topics"]) == (
        "alert.opened",
        alert["alert_id"],
        ["claims"],
    )
    assert body["data"]["revision"] == alert["revision"]
