"""Facts in and out over the real stream, artifacts swapped in, exports, lag."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import asyncpg
import orjson
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from services.kit.artifacts import publish_artifact
from services.kit.database import driver
from services.kit.errors import Unavailable
from services.kit.stream import Envelope, StreamKeys
from services.profile.segments import LikesModel, SegmentsModel

SLEEP = "SELECT pg_sleep(300)"
ITEM = Envelope(
    type="item.upserted",
    tenant_id="default",
    subject="i1",
    occurred_at=datetime(2026, 3, 10, tzinfo=UTC),
    received_at=datetime(2026, 3, 10, tzinfo=UTC),
    sequence=1,
    data={"item_id": "i1", "categories": ["finance", "investing"], "price": None, "title": {"en": "x"}},
)


async def until(holds, seconds=60.0):
    """Wait for what happens in the background."""
    end = time.monotonic() + seconds
    while not (found := await holds()):
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.02)
    return found


def model(**changes):
    given = {
        "columns": ["recency_days", "events"],
        "mean": [0.0, 0.0],
        "scale": [1.0, 1.0],
        "centroids": [[0.0, 2.0], [1.0, 1.0], [3.0, 0.0]],
        "labels": ["active", "semi-active", "inactive"],
        "thresholds": {"is_frequent_buyer": 2.0, "is_high_spender": None},
        "likes": {"finance": LikesModel(share=0.5, minimum_events=1)},
        "lag_s": 0.0,
    }
    return SegmentsModel.model_validate({**given, **changes})


def publish_model(settings, tenant="default", content=None, **changes):
    text = content or model(**changes).model_dump_json()
    return publish_artifact(
        settings.shared.artifacts_dir,
        tenant,
        "segments",
        lambda folder: (folder / "model.json").write_text(text) and None,
        {},
    )


async def test_items_arrive_by_recommends_stream_and_events_leave_by_ours(
    open_profile, profile_settings, redis_url, track
):
    async with open_profile(profile_settings) as profile, Redis.from_url(redis_url) as redis:
        for each in (ITEM, ITEM.model_copy(update={"sequence": 2, "data": {"item_id": None}})):
            await redis.xadd(StreamKeys("recommend").stream, {"e": each.model_dump_json()}, id=f"{each.sequence}-0")
        await profile.send(track("m1", value="10.50", currency="CNY"))

        async def attributed():
            return (await profile.snapshot("u1"))["interests"] == {"finance": 1.0}

        await until(attributed)

        async def told():
            return await redis.xrange(StreamKeys("profile").stream)

        ((_, entry),) = await until(told)
        sent = orjson.loads(entry[b"e"])
        assert (sent["type"], sent["sequence"], sent["subject"], sent["tenant_id"]) == (
            "event.recorded",
            1,
            "u1",
            "default",
        )
        assert sent["data"] == {
            "message_id": "m1",
            "event": "purchase_completed",
            "user_id": "u1",
            "anonymous_id": None,
            "item_id": "i1",
            "value": "10.50",
            "currency": "CNY",
            "timestamp": "2026-03-10T12:00:00+00:00",
            "properties": {"item_id": "i1", "value": "10.50", "currency": "CNY"},
        }

        async def idle():
            return (await profile.get("/v1/lag")).json() == {"consumers": {"relay": 0, "recommend": 0}}

        await until(idle)


async def test_each_effect_publishes_its_fact(profile, track):
    await profile.send(track("m1"), track("m1"), {"type": "page", "message_id": "m2", "user_id": "u1"})
    await profile.post("/v1/identify", {"user_id": "u1", "traits": {"region": "CN-SH"}})
    record = {"user_id": "u1", "purpose": "finance", "granted": True, "notice_version": "1"}
    await profile.post("/v1/consents", {"records": [record]})
    assert (await profile.get("/v1/lag")).json() == {"consumers": {"relay": 3, "recommend": 0}}


async def test_without_redis_events_are_still_accepted(open_profile, profile_settings, track):
    shared = profile_settings.shared.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")})
    async with open_profile(profile_settings.model_copy(update={"shared": shared})) as profile:
        taken_s = []
        for n in range(1, 4):  # What else keeps the machine busy only adds.
            started = time.monotonic()
            assert (await profile.send(track(f"m{n}")))["accepted"] == 1
            assert (await profile.snapshot("u1"))["features"]["purchases"] == n
            taken_s.append(time.monotonic() - started)
        assert min(taken_s) < 2
        lag = await profile.get("/v1/lag")
        assert (lag.status_code, lag.json()["code"]) == (503, "unavailable")
        assert (await profile.get("/readyz")).status_code == 200


@pytest.mark.parametrize("path", ["/v1/people/u1/snapshot", "/v1/people/u1/consents"])
async def test_without_postgresql_reads_are_503_at_once(open_profile, profile_settings, path):
    nowhere = SecretStr("postgresql+asyncpg://kuajie:x@127.0.0.1:1/profile")
    settings = profile_settings.model_copy(update={"database_url": nowhere, "roles": frozenset({"api"})})
    async with open_profile(settings) as profile:
        taken_s = []
        for _ in range(3):  # What else keeps the machine busy only adds.
            started = time.monotonic()
            answer = await profile.get(path)
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["Retry-After"] == "1"
            ready = await profile.get("/readyz")
            assert (ready.status_code, ready.json()["reasons"]) == (503, ["database unreachable"])
            taken_s.append(time.monotonic() - started)
        assert min(taken_s) < 3


async def test_without_postgresql_nothing_is_acknowledged(open_profile, profile_settings, track):
    nowhere = SecretStr("postgresql+asyncpg://kuajie:x@127.0.0.1:1/profile")
    settings = profile_settings.model_copy(update={"database_url": nowhere, "roles": frozenset({"api"})})
    async with open_profile(settings) as profile:
        batch = await profile.post("/v1/batch", {"batch": [track("m1")]})
        load = await profile.post(
            "/v1/events/import", content=b'{"user_id":"u1","item_id":"i1","timestamp":1772352000}'
        )
        assert (batch.status_code, load.status_code) == (503, 503)


async def test_connections_that_the_server_cuts_are_503_and_then_mended(profile, track, profile_settings):
    await profile.send(track("m1"))
    url = profile_settings.database_url.get_secret_value().replace("+asyncpg", "")
    connection = await asyncpg.connect(url)
    await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kuajie'")
    await connection.close()
    cut = await profile.post("/v1/batch", {"batch": [track("m2")]})
    mended = await profile.post("/v1/batch", {"batch": [track("m2")]})
    assert (cut.status_code, cut.json()["code"], mended.status_code) == (503, "unavailable", 200)
    assert (await profile.snapshot("u1"))["features"]["purchases"] == 2


async def test_segments_and_traits_come_with_the_artifact_and_change_with_it(profile, profile_settings, track):
    slot = profile.app.state.resources.segments
    await profile.send(*(track(f"m{n}", timestamp="2026-03-10T12:00:00Z") for n in range(6)))
    before = await profile.get("/v1/people/u1/snapshot")
    assert (before.json()["segment"], before.json()["traits"]) == (None, {})
    publish_model(profile_settings)
    await slot.refresh()
    fitted = await profile.get("/v1/people/u1/snapshot", headers={"If-None-Match": before.headers["ETag"]})
    assert fitted.json()["segment"] == "active"
    assert fitted.json()["traits"] == {"is_frequent_buyer": True, "is_high_spender": False, "likes_finance": False}
    profile.clock.advance(days=30)
    assert (await profile.snapshot("u1"))["segment"] == "inactive"
    publish_model(profile_settings, lag_s=30 * 86400.0)
    await slot.refresh()
    assert (await profile.snapshot("u1"))["segment"] == "active"
    assert (await profile.snapshot("stranger"))["segment"] is None


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        "not json",
        model(scale=[0.0, 1.0]).model_dump_json(),
        model(mean=[0.0]).model_dump_json(),
        model(labels=["active"]).model_dump_json(),
        model(columns=["recency_days", "height"]).model_dump_json(),
        model(thresholds={"is_tall": 1.0}).model_dump_json(),
    ],
)
async def test_a_model_that_does_not_fit_together_is_refused_and_the_old_one_stays(
    profile, profile_settings, track, content
):
    slot = profile.app.state.resources.segments
    publish_model(profile_settings)
    await slot.refresh()
    version = slot.version("default")
    publish_model(profile_settings, content=content)
    await slot.refresh()
    assert slot.version("default") == version
    await profile.send(track("m1"))
    assert (await profile.snapshot("u1"))["segment"] == "semi-active"


async def test_the_exports_give_every_person_and_event(profile, track, as_tenant, as_person):
    rows = [{"user_id": f"u{n % 1500}", "item_id": "i1", "timestamp": 1772352000 + n} for n in range(6000)]
    await profile.load(*rows)
    await profile.post("/v1/identify", {"user_id": "u0", "traits": {"region": "CN-SH"}})
    people = [orjson.loads(line) for line in (await profile.get("/v1/features/export")).text.splitlines()]
    events = [orjson.loads(line) for line in (await profile.get("/v1/events/export")).text.splitlines()]
    assert sorted(row["user_id"] for row in people) == sorted(f"u{n}" for n in range(1500))
    assert {row["as_of"] for row in people} == {(datetime.fromtimestamp(1772352000 + 5999, UTC)).isoformat()}
    assert sum(row["events"] for row in people) == len(events) == 6000
    assert len({row["message_id"] for row in events}) == 6000
    as_of = (datetime.fromtimestamp(1772352000 + 5999, UTC) + timedelta(days=10)).isoformat()
    later = (await profile.get("/v1/features/export", params={"as_of": as_of})).text.splitlines()
    assert min(orjson.loads(line)["recency_days"] for line in later) == 10.0
    assert (await profile.get("/v1/features/export", headers=as_tenant("other"))).text == ""
    assert (await profile.get("/v1/events/export", headers=as_person("u1"))).status_code == 403


async def test_a_connection_that_is_cut_in_the_middle_of_a_statement_is_unavailability(profile, profile_settings):
    db = profile.app.state.resources.db

    async def work():
        async with db.begin() as connection:
            await (await driver(connection)).fetch(SLEEP)

    task = asyncio.create_task(work())
    killer = await asyncpg.connect(profile_settings.database_url.get_secret_value().replace("+asyncpg", ""))

    async def cut():
        return await killer.fetchval(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE $1", SLEEP
        )

    await until(cut)
    await killer.close()
    with pytest.raises(Unavailable):
        await asyncio.wait_for(task, 60)
