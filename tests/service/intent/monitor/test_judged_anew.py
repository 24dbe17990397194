"""The last two days are judged anew at every look: what becomes of surges that are known when they look different."""

import httpx

from services.intent.monitor.detecting import detect
from services.kit.database import Database
from tests.service.intent.monitor.surging import DETECTION, HOUR, NOON, alerts, history, quiet, surge, told


async def test_late_documents_after_a_surge_that_is_over_open_one_alert_however_often_it_is_looked_at(
    client: httpx.AsyncClient, db: Database, hook: str
) -> None:
    await history(db, "claims")
    after = await surge(db)
    await detect(db, DETECTION, after)
    calm = await quiet(db, after, 10)
    await detect(db, DETECTION, calm)
    [first] = await alerts(client)
    await surge(db, begin=after, hours=10)
    for _ in range(3):
        await detect(db, DETECTION, calm)
    assert await told(db) == ["alert.opened", "alert.resolved", "alert.opened"]
    second, former = await alerts(client)
    assert former == first
    [late] = second["surges"]
    assert late["began"] > first["surges"][0]["last_hour"]
    assert (late["hours"][0]["hour"], late["negatives"]) == (late["began"], 40 * len(late["hours"]))


async def test_a_surge_of_days_with_a_lull_lasts_when_the_hours_that_are_judged_begin_at_the_lull(
    client: httpx.AsyncClient, db: Database, hook: str
) -> None:
    await history(db, "claims")
    lull = await surge(db, hours=12)
    after = await surge(db, hours=6, begin=await quiet(db, lull, 5))
    await detect(db, DETECTION, after)
    after = await surge(db, hours=36, begin=after)
    for place in range(2):  # of the first piece one hour is left, then none
        await surge(db, hours=1, begin=after + place * HOUR)
        await detect(db, DETECTION, after + place * HOUR)
    assert [(each["status"], len(each["surges"])) for each in await alerts(client)] == [("open", 1)]
    assert await told(db) == ["alert.opened", "alert.repeated"]


async def test_after_hours_without_a_worker_a_surge_joins_the_alert_as_it_lasted_meanwhile(
    client: httpx.AsyncClient, db: Database, hook: str
) -> None:
    await history(db, "claims", "service")
    await detect(db, DETECTION, await surge(db))
    begin = await quiet(db, NOON, 18, "service")
    after = await surge(db, hours=2, topic="service", begin=begin)
    await surge(db, hours=20)
    await detect(db, DETECTION, after)
    assert [each["topics"] for each in await alerts(client)] == [["claims", "service"]]
    assert await told(db) == ["alert.opened", "alert.updated"]
