"""Consents: purpose by recipient, default deny, a history that only grows."""

import asyncio

import pytest


def answer_of(user_id="u1", purpose="finance", granted=True, **more):
    return {"user_id": user_id, "purpose": purpose, "granted": granted, "notice_version": "2026-03", **more}


async def record(profile, *records, headers=None):
    return await profile.post("/v1/consents", {"records": list(records)}, headers=headers or {})


async def check(profile, purpose="finance", user_id="u1", **more):
    answer = await profile.post("/v1/consents/check", {"user_id": user_id, "purpose": purpose, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("purpose", "granted", "reason"),
    [
        ("personalisation", True, "default_allow"),
        ("marketing", False, "default_deny"),
        ("health", False, "default_deny"),
        ("finance", False, "default_deny"),
        ("partner_sharing", False, "default_deny"),
    ],
)
async def test_silence_has_a_meaning_for_each_purpose(profile, purpose, granted, reason):
    assert await check(profile, purpose) == {"granted": granted, "reason": reason, "consent_version": 0}


async def test_the_last_answer_is_in_force(profile):
    granted = await record(profile, answer_of())
    assert granted.status_code == 200
    assert granted.json()["records"][0]["consent_version"] == 1
    assert await check(profile) == {"granted": True, "reason": "granted", "consent_version": 1}
    profile.clock.advance(seconds=1)
    await record(profile, answer_of(granted=False))
    assert await check(profile) == {"granted": False, "reason": "denied", "consent_version": 2}


async def test_an_older_answer_that_arrives_late_does_not_win(profile):
    await record(profile, answer_of(granted=False, recorded_at="2026-03-02T00:00:00Z"))
    await record(profile, answer_of(recorded_at="2026-03-01T00:00:00Z"))
    assert await check(profile) == {"granted": False, "reason": "denied", "consent_version": 2}


async def test_a_recipient_is_not_the_platform(profile):
    await record(profile, answer_of(purpose="partner_sharing", recipient="insurer-a"))
    assert (await check(profile, "partner_sharing", recipient="insurer-a"))["granted"] is True
    assert (await check(profile, "partner_sharing", recipient="insurer-b"))["granted"] is False
    assert (await check(profile, "partner_sharing"))["granted"] is False
    assert (await profile.snapshot("u1"))["consents"]["partner_sharing"] is False


async def test_an_answer_expires_and_the_version_says_so(profile):
    await record(profile, answer_of(expires_at="2026-03-10T13:00:00Z"))
    assert await check(profile) == {"granted": True, "reason": "granted", "consent_version": 1}
    profile.clock.advance(hours=1)
    assert await check(profile) == {"granted": False, "reason": "expired", "consent_version": 2}
    await record(profile, answer_of())
    assert await check(profile) == {"granted": True, "reason": "granted", "consent_version": 3}
    assert (await profile.snapshot("u1"))["consent_version"] == 3


async def test_a_clock_ahead_does_not_outvote_a_withdrawal(profile):
    await record(profile, answer_of(recorded_at="2026-03-10T12:04:00Z"))
    await record(profile, answer_of(granted=False))
    assert (await check(profile))["reason"] == "denied"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"purpose": "profit"}, "records.1.purpose"),
        ({"granted": "yes"}, "records.1.granted"),
        ({"notice_version": None}, "records.1.notice_version"),
        ({"recorded_at": "2026-03-11T12:00:00Z"}, "records.1.recorded_at"),
        ({"expires_at": "2026-03-10T12:00:00Z"}, "records.1.expires_at"),
        ({"expires_at": "2027-03-10T12:00:00"}, "records.1.expires_at"),
        ({"colour": "red"}, "records.1.colour"),
        ({"user_id": ""}, "records.1.user_id"),
    ],
)
async def test_one_bad_answer_and_none_is_recorded(profile, change, param):
    answer = await record(profile, answer_of(), {**answer_of(), **change})
    assert (answer.status_code, answer.json()["param"]) == (422, param)
    assert (await check(profile))["consent_version"] == 0


async def test_answers_recorded_at_the_same_time_get_versions_of_their_own(profile):
    answers = await asyncio.gather(*(record(profile, answer_of(granted=n % 2 == 0)) for n in range(12)))
    assert sorted(a.json()["records"][0]["consent_version"] for a in answers) == list(range(1, 13))


async def test_many_people_in_one_call(profile):
    answer = await record(profile, *(answer_of(f"u{n % 250}", "marketing") for n in range(1000)))
    assert {row["consent_version"] for row in answer.json()["records"]} == {4}
    assert (await check(profile, "marketing", "u249"))["granted"] is True


async def test_the_history_is_read_page_by_page_newest_first(profile):
    ids = []
    for n in range(5):
        ids += [(await record(profile, answer_of(granted=n % 2 == 0))).json()["records"][0]["consent_id"]]
    first = (await profile.get("/v1/people/u1/consents", params={"limit": 3})).json()
    rest = (await profile.get("/v1/people/u1/consents", params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [row["consent_id"] for row in first["data"] + rest["data"]] == ids[::-1]
    assert (first["has_more"], rest["has_more"], rest["next_cursor"]) == (True, False, None)
    for path, cursor in (("/v1/people/u1/consents", "x"), ("/v1/people/u2/consents", first["next_cursor"])):
        wrong = await profile.get(path, params={"cursor": cursor})
        assert (wrong.status_code, wrong.json()["param"]) == (400, "cursor")


async def test_a_repeated_call_with_its_key_records_once(profile):
    key = {"Idempotency-Key": "k1"}
    first, again = await record(profile, answer_of(), headers=key), await record(profile, answer_of(), headers=key)
    assert first.json() == again.json()
    assert (await check(profile))["consent_version"] == 1


async def test_nobody_consents_for_another(profile, as_person):
    answer = await record(profile, answer_of("u1"), answer_of("u2"), headers=as_person("u1"))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert (await check(profile))["consent_version"] == 0


async def test_tenants_share_nothing(profile, as_tenant):
    await record(profile, answer_of(), headers=as_tenant("other"))
    assert (await check(profile))["consent_version"] == 0
