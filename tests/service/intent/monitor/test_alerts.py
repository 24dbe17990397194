"""An alert's life: grouped, told again, acknowledged, resolved by hand or by calm."""

import json

import httpx
from sqlalchemy import text

from services.intent.monitor.detecting import detect
from services.kit.database import Database
from tests.service.intent.monitor.surging import DETECTION, HOUR, NOON, alerts, history, hour, quiet, surge, told


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
    again = await client.post(
        f"/v1/monitor/alerts/{alert['alert_id']}/acknowledge", json={"by": "pr", "note": "at noon"}
    )
    assert (again.json()["acknowledged_by"], again.json()["note"]) == ("desk", "at noon")
    await detect(db, DETECTION, await surge(db, hours=30))
    assert (await told(db))[3:] == ["alert.acknowledged"]


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
