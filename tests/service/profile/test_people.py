"""Declared facts, the snapshot and its tag."""

import pytest

UNKNOWN = {
    "user_id": "stranger",
    "known": False,
    "segment": None,
    "traits": {},
    "interests": {},
    "facts": dict.fromkeys(
        ("birth_date", "region", "income_band", "dependants", "occupation", "gender", "timezone", "locale")
    ),
    "consents": {
        "personalisation": True,
        "marketing": False,
        "health": False,
        "finance": False,
        "partner_sharing": False,
    },
    "consent_version": 0,
    "features": {},
    "updated_at": None,
}


async def identify(profile, user_id="u1", headers=None, message_id=None, **traits):
    body = {"user_id": user_id, "traits": traits} | ({"message_id": message_id} if message_id else {})
    return await profile.post("/v1/identify", body, headers=headers or {})


async def test_a_stranger_is_known_to_be_unknown(profile):
    assert await profile.snapshot("stranger") == UNKNOWN


async def test_declared_facts_are_merged_and_withdrawn(profile):
    await identify(profile, birth_date="1992-05-17", region="CN-SH", dependants=1)
    answer = await identify(profile, region=None, occupation="engineer", locale="zh-CN", timezone="Asia/Shanghai")
    assert answer.status_code == 200
    facts = {
        **dict.fromkeys(UNKNOWN["facts"]),
        "birth_date": "1992-05-17",
        "dependants": 1,
        "occupation": "engineer",
        "locale": "zh-CN",
        "timezone": "Asia/Shanghai",
    }
    assert answer.json() == {"user_id": "u1", "status": "accepted", "facts": facts}
    snapshot = await profile.snapshot("u1")
    assert (snapshot["known"], snapshot["facts"]) == (True, facts)


@pytest.mark.parametrize(
    ("traits", "param"),
    [
        ({"shoe_size": 44}, "traits.shoe_size"),
        ({"birth_date": "2092-05-17"}, "traits.birth_date"),
        ({"birth_date": "17/05/1992"}, "traits.birth_date"),
        ({"dependants": -1}, "traits.dependants"),
        ({"dependants": "two"}, "traits.dependants"),
        ({"gender": "f"}, "traits.gender"),
        ({"timezone": "Shanghai"}, "traits.timezone"),
        ({"locale": "fr"}, "traits.locale"),
        ({"region": "C N"}, "traits.region"),
    ],
)
async def test_a_fact_that_is_none_is_refused_by_name(profile, traits, param):
    answer = await identify(profile, **traits)
    assert (answer.status_code, answer.json()["param"]) == (422, param)
    assert (await profile.snapshot("u1"))["known"] is False


async def test_the_newest_declaration_wins_in_whatever_order_they_arrive(profile):
    def said(message_id, timestamp, region):
        return {
            "type": "identify",
            "message_id": message_id,
            "user_id": "u1",
            "timestamp": timestamp,
            "traits": {"region": region},
        }

    await profile.send(said("m1", "2026-03-02T00:00:00Z", "CN-SH"))
    await profile.send(said("m2", "2026-03-01T00:00:00Z", "CN-BJ"), said("m3", "2026-02-01T00:00:00Z", "CN-GD"))
    assert (await profile.snapshot("u1"))["facts"]["region"] == "CN-SH"


async def test_identify_with_a_message_id_counts_once(profile):
    first = await identify(profile, message_id="m1", region="CN-SH")
    again = await identify(profile, message_id="m1", region="CN-BJ")
    assert (first.json()["status"], again.json()["status"]) == ("accepted", "duplicate")
    assert again.json()["facts"]["region"] == "CN-SH"


async def test_an_idempotency_key_replays_the_answer_and_refuses_another_body(profile):
    key = {"Idempotency-Key": "k1"}
    first = await identify(profile, headers=key, region="CN-SH")
    again = await identify(profile, headers=key, region="CN-SH")
    other = await identify(profile, headers=key, region="CN-BJ")
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_the_snapshot_says_what_was_done(profile, track):
    await profile.send(
        track("m1", event="content_viewed", timestamp="2026-03-09T12:00:00Z"),
        track("m2", value="100.00", currency="CNY", timestamp="2026-03-09T13:00:00Z"),
        track("m3", item_id="i2", value="50", timestamp="2026-03-10T06:00:00Z"),
        track("m4", item_id="i2", event="purchase_refunded", value="50", timestamp="2026-03-10T12:00:00Z"),
        track("m5", item_id="i1", event="content_completed", timestamp="2026-03-10T12:00:00Z"),
        track("m6", item_id="i3", value="9", currency="USD", timestamp="2026-03-10T12:00:00Z"),
        {
            "type": "track",
            "message_id": "m7",
            "user_id": "u1",
            "event": "decision_shown",
            "timestamp": "2026-03-10T12:00:00Z",
        },
    )
    profile.clock.advance(days=30, minutes=59)
    snapshot = await profile.snapshot("u1")
    features = snapshot["features"]
    assert snapshot["known"] is True
    assert (features["events"], features["purchases"], features["refunds"]) == (6, 3, 1)
    assert features["recency_days"] == 30.0
    assert features["spend_total"] == 100.0
    assert features["spend"] == pytest.approx(100 * 2.718281828 ** (-(30 + 23 / 24) / 365), abs=1e-3)
    assert features["completion"] == 0.5
    assert features["refund_rate"] == pytest.approx(1 / 3, abs=1e-4)
    assert features["peak_hour"] == 20  # 12:00 UTC in Asia/Shanghai


async def test_the_hours_follow_the_declared_time_zone(profile, track):
    await profile.send(track("m1", timestamp="2026-03-10T12:00:00Z"))
    await identify(profile, timezone="America/New_York")
    assert (await profile.snapshot("u1"))["features"]["peak_hour"] == 8


async def test_an_anonymous_visitor_has_a_snapshot_too(profile):
    await profile.send(
        {
            "type": "track",
            "message_id": "m1",
            "anonymous_id": "a/1",
            "event": "content_viewed",
            "properties": {"item_id": "i1"},
        }
    )
    snapshot = await profile.snapshot("anonymous:a%2F1")
    assert (snapshot["user_id"], snapshot["known"], snapshot["features"]["events"]) == ("anonymous:a/1", True, 1)


async def test_an_anonymous_id_never_names_a_person(profile, track):
    await profile.send(track("m1", "u1"))
    await profile.send({**track("m2"), "user_id": None, "anonymous_id": "u1"})
    assert (await profile.snapshot("u1"))["features"]["events"] == 1


async def test_the_tag_holds_until_something_changes(profile, track):
    await profile.send(track("m1"))
    first = await profile.get("/v1/people/u1/snapshot")
    tag = first.headers["ETag"]
    profile.clock.advance(minutes=30)
    same = await profile.get("/v1/people/u1/snapshot", headers={"If-None-Match": f'"x", {tag}'})
    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)
    await profile.send(track("m2"))
    changed = await profile.get("/v1/people/u1/snapshot", headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag


async def test_a_consent_and_its_expiry_change_the_tag(profile):
    first = (await profile.get("/v1/people/u1/snapshot")).headers["ETag"]
    record = {"user_id": "u1", "purpose": "finance", "granted": True, "notice_version": "1"}
    await profile.post("/v1/consents", {"records": [{**record, "expires_at": "2026-03-10T12:10:00Z"}]})
    granted = await profile.get("/v1/people/u1/snapshot")
    assert granted.json()["consents"]["finance"] is True
    profile.clock.advance(minutes=11)
    expired = await profile.get("/v1/people/u1/snapshot")
    assert expired.json()["consents"]["finance"] is False
    assert len({first, granted.headers["ETag"], expired.headers["ETag"]}) == 3


async def test_a_person_sees_only_themselves(profile, as_person):
    own = await profile.get("/v1/people/u1/snapshot", headers=as_person("u1"))
    other = await profile.get("/v1/people/u2/snapshot", headers=as_person("u1"))
    assert (own.status_code, other.status_code) == (200, 403)


async def test_an_id_that_is_too_long_is_refused(profile):
    answer = await profile.get(f"/v1/people/{'u' * 129}/snapshot")
    assert (answer.status_code, answer.json()["param"]) == (422, "user_id")
