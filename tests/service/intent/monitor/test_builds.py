"""An API that shares its database with a newer build, as while a deployment rolls: it tells what is stored, and loses nothing."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.intent.labels import OPINION_TOPICS
from services.intent.monitor.detecting import detect
from services.kit.database import Database
from tests.service.intent.conftest import difference
from tests.service.intent.monitor.surging import DETECTION, DOCUMENT, NOON, alerts, history, hour, silence, surge

HOURS = "evidence->'hours'"
SURGE = text(
    "UPDATE monitor_surges SET topic = 'climate', detectors = '{cusum,glr}', evidence = evidence || jsonb_build_object("
    f"'severity', 3, 'hours', jsonb_build_array(({HOURS}->0) || '{{\"p_value\": 0.01}}', ({HOURS}->1) - 'z'), "
    '\'examples\', \'[{"cluster": "c"}, {"document_id": "d", "documents": 2, "source": null, "author": "x"}]\'::jsonb)'
)
ALERT = text("UPDATE monitor_alerts SET topics = '{climate}', status = 'escalated'")
STORED = text("SELECT detectors, evidence FROM monitor_surges")
LEFT_OUT = "kuajie_intent_monitor_surge_parts_left_out_total"


@pytest.fixture
async def newer(client: httpx.AsyncClient, db: Database, hook: str) -> dict[str, Any]:
    """The row of a surge, whose alert was told, as a newer build stored it."""
    await history(db, "claims")
    await detect(db, DETECTION, await surge(db))
    async with db.begin() as connection:
        await connection.execute(SURGE)
        await connection.execute(ALERT)
        return dict((await connection.execute(STORED)).mappings().one())


async def test_a_surge_that_a_newer_build_stored_is_told_with_its_names_and_figures(
    client: httpx.AsyncClient, newer: dict[str, Any]
) -> None:
    async with difference(client, LEFT_OUT, part="hours") as hours, difference(client, LEFT_OUT) as parts:
        [alert] = await alerts(client)
    assert (alert["status"], alert["topics"]) == ("escalated", ["climate"])
    [found] = alert["surges"]
    assert (found["topic"], found["detectors"], found["negatives"]) == ("climate", ["cusum", "glr"], 80)
    assert [each["hour"] for each in found["hours"]] == [newer["evidence"]["hours"][0]["hour"]]
    assert found["examples"] == [{"document_id": "d", "documents": 2, "source": None}]
    assert (hours, parts) == ([1], [2])


async def test_an_alert_of_a_newer_build_is_acknowledged_and_told_and_its_row_stays_whole(
    client: httpx.AsyncClient, db: Database, newer: dict[str, Any]
) -> None:
    [alert] = await alerts(client)
    seen = await client.post(f"/v1/monitor/alerts/{alert['alert_id']}/acknowledge", json={})
    assert (seen.status_code, seen.json()["status"]) == (200, "acknowledged")
    async with db.connect() as connection:
        last = "SELECT body FROM monitor_notifications WHERE event = 'alert.acknowledged'"
        body = json.loads(await connection.scalar(text(last)))
        stored = (await connection.execute(STORED)).mappings().one()
    assert [each["detectors"] for each in body["data"]["surges"]] == [["cusum", "glr"]]
    assert dict(stored) == newer


@pytest.mark.parametrize(
    ("change", "path", "told"),
    [
        ("monitor_webhooks SET events = '{alert.escalated}'", "webhooks", {"events": ["alert.escalated"]}),
        ("monitor_notifications SET event = 'alert.escalated'", "deliveries", {"event": "alert.escalated"}),
        ("monitor_deliveries SET state = 'held'", "deliveries", {"state": "held"}),
        ("monitor_silences SET topic = 'climate'", "silences", {"topic": "climate"}),
        (
            "monitor_documents SET topic = 'climate', sentiment = 'mixed', state = 'reviewed'",
            "documents",
            {"topic": "climate", "sentiment": "mixed", "state": "reviewed"},
        ),
    ],
)
async def test_names_that_only_a_newer_build_knows_are_passed_on(
    client: httpx.AsyncClient, db: Database, newer: dict[str, Any], change: str, path: str, told: dict[str, object]
) -> None:
    await silence(client, topic="claims")
    async with db.begin() as connection:
        await connection.execute(DOCUMENT, {"name": "d", "author": "h", "cluster": "d", "at": NOON})
        await connection.execute(text(f"UPDATE {change}"))
    answer = await client.get(f"/v1/monitor/{path}")
    assert answer.status_code == 200, answer.text
    [found] = answer.json()["data"]
    assert {name: found[name] for name in told} == told


async def test_the_series_of_a_topic_that_only_a_newer_build_knows_is_told_after_the_others(
    client: httpx.AsyncClient, db: Database
) -> None:
    at = NOON - timedelta(days=2)  # gone by at any time of day
    await hour(db, at, 3, 4, "climate")
    answer = await client.get("/v1/monitor/series", params={"since": at.isoformat()})
    assert answer.status_code == 200, answer.text
    series = answer.json()["series"]
    assert [each["topic"] for each in series] == [*OPINION_TOPICS, "climate"]
    point = series[-1]["points"][0]
    assert (point["documents"], point["negatives"]) == (4, 3)
