"""A clock that is behind or ahead by hours, for a while."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from services.intent.monitor.detecting import detect
from services.intent.monitor.intake import Window, accept
from services.intent.monitor.turns import Turns
from services.kit.database import Database
from tests.service.intent.monitor.receiving import Desk, Receiver
from tests.service.intent.monitor.sending import document
from tests.service.intent.monitor.surging import DETECTION, HOUR, alerts, history, hour, quiet, surge, told

WINDOW = Window(timedelta(days=90), timedelta(hours=72))


@pytest.mark.parametrize("ahead_h", [-30, -3, 5, 12])
async def test_a_clock_that_is_wrong_by_hours_amid_a_surge_tells_nothing_twice(
    client: httpx.AsyncClient, db: Database, hook: str, ahead_h: int
) -> None:
    await history(db, "claims")
    after = await surge(db)
    await detect(db, DETECTION, after)
    for minutes in (0, 1):
        await detect(db, DETECTION, after + ahead_h * HOUR + timedelta(minutes=minutes))
    await hour(db, after, 40, 60)
    await detect(db, DETECTION, after + HOUR)
    assert await told(db) == ["alert.opened"]
    await detect(db, DETECTION, await quiet(db, after + HOUR, 9))
    assert await told(db) == ["alert.opened", "alert.resolved"]
    [alert] = await alerts(client)
    assert [each["negatives"] for each in alert["surges"]] == [40 * 3 + 5 * 2]


async def test_a_clock_that_is_set_back_puts_no_attempt_off(desk: Desk, receiver: Receiver) -> None:
    await desk.register(receiver.url)
    await desk.tell()
    receiver.status, now = 500, datetime.now(UTC)
    await desk.deliver(now + timedelta(hours=3))
    receiver.status = 204
    assert await desk.deliver(now + timedelta(seconds=1))
    assert [(each["state"], each["attempts"]) for each in await desk.deliveries()] == [("delivered", 2)]


async def test_a_clock_that_is_behind_refuses_no_document_that_the_database_knows_is_of_now(
    client: httpx.AsyncClient, db: Database
) -> None:
    now = datetime.now(UTC)
    batch = [document("of-now", at=now), document("of-later", "别的事情,明天才会发生", at=now + timedelta(hours=1))]
    answer = await accept(db, Turns(1), "default", batch, window=WINDOW, now=now - timedelta(hours=3))
    assert [(each.status, each.code) for each in answer.results] == [
        ("accepted", None),
        ("invalid", "published_in_future"),
    ]
    [kept] = (await client.get("/v1/monitor/documents")).json()["data"]
    assert kept["published_at"] == now.isoformat().replace("+00:00", "Z")
