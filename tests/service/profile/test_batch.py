"""POST /v1/batch: each message judged alone, counted once."""

import asyncio

import pytest


async def test_good_messages_are_kept_and_bad_ones_named(profile, track):
    answer = await profile.send(
        track("m1"),
        track("m2", timestamp="yesterday"),
        {"type": "page", "message_id": "m3", "anonymous_id": "a1", "name": "home"},
        {"type": "identify", "message_id": "m4", "user_id": "u1", "traits": {"shoe_size": 44}},
        "not a message",
        {"type": "track", "message_id": "m6", "user_id": "u1", "event": "slept", "properties": {}},
        {"type": "track", "message_id": "m7", "event": "content_searched"},
        track("m8", item_id=None),
        track("m9", value="-1"),
        {**track("m10"), "colour": "red"},
        {"message_id": "m11"},
        track("m12", value=True),
        {**track("m13"), "message_id": None},
    )
    assert (answer["accepted"], answer["duplicates"], answer["rejected"]) == (2, 0, 11)
    assert [(v["message_id"], v["status"], v["code"], v["param"]) for v in answer["results"]] == [
        ("m1", "accepted", None, None),
        ("m2", "rejected", "invalid_timestamp", "batch.1.timestamp"),
        ("m3", "accepted", None, None),
        ("m4", "rejected", "unknown_field", "batch.3.traits.shoe_size"),
        (None, "rejected", "invalid_message", "batch.4"),
        ("m6", "rejected", "unknown_event", "batch.5.event"),
        ("m7", "rejected", "missing_user_id", "batch.6.user_id"),
        ("m8", "rejected", "missing_item_id", "batch.7.properties.item_id"),
        ("m9", "rejected", "invalid_value", "batch.8.properties.value"),
        ("m10", "rejected", "unknown_field", "batch.9.colour"),
        ("m11", "rejected", "missing_type", "batch.10.type"),
        ("m12", "rejected", "invalid_value", "batch.11.properties.value"),
        (None, "rejected", "invalid_message_id", "batch.12.message_id"),
    ]


@pytest.mark.parametrize(
    "message",
    [
        b'{"type":"track","message_id":"m\\u0000","user_id":"u1","event":"content_searched"}',
        b'{"type":"track","message_id":"m1","user_id":"u1","event":"content_searched","properties":{"query":"a\\u0000b"}}',
        b'{"type":"track","message_id":"m1","user_id":"u1","event":"content_searched","properties":{"q":"\\ud800"}}',
        b'{"type":"track","message_id":"m1","user_id":"\\ud800","event":"content_searched"}',
        b'{"type":"track","message_id":"m1","user_id":"u1","event":"content_searched","properties":[1]}',
        b'{"type":"track","message_id":"m1","user_id":"u1","event":"content_searched","timestamp":1e300}',
        b'{"type":"track","message_id":"m1","user_id":"u1","event":"content_searched","properties":{"value":1e999}}',
        b'{"type":"track","message_id":"m1","user_id":"u1","event":"content_searched","properties":{"a":'
        + b"[" * 500 + b"]" * 500 + b"}}",
        b'{"type":"track","message_id":"m1","user_id":"u1","event":"content_searched","properties":{"a":"'
        + b"x" * 40_000 + b'"}}',
        b"null",
        b"[[]]",
    ],
)  # fmt: skip
async def test_a_hostile_message_never_fails_its_neighbour(profile, message):
    good = b'{"type":"track","message_id":"good","user_id":"u1","event":"content_searched","properties":{"query":"AI"}}'
    answer = await profile.post(
        "/v1/batch", content=b'{"batch":[' + good + b"," + message + b"]}", headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 200, answer.text
    assert [verdict["status"] for verdict in answer.json()["results"]] == ["accepted", "rejected"]
    letters = (await profile.get("/v1/dead-letters")).json()["data"]
    assert len(letters) == 1


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"batch": []}, 422, "batch"),
        ({"batch": [{}] * 1001}, 422, "batch"),
        ({"batch": "m1"}, 422, "batch"),
        ({"batch": [{}], "sender": "x"}, 422, "sender"),
        ({}, 422, "batch"),
    ],
)
async def test_a_malformed_envelope_is_refused_as_a_whole(profile, body, status, param):
    answer = await profile.post("/v1/batch", body)
    assert (answer.status_code, answer.json()["param"]) == (status, param)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_message_id_counts_once_inside_a_batch_and_across(profile, track):
    first = await profile.send(track("m1", item_id="i1"), track("m1", item_id="i2"), track("m2"))
    again = await profile.send(track("m2"), track("m3"))
    assert [v["status"] for v in first["results"]] == ["accepted", "duplicate", "accepted"]
    assert [v["status"] for v in again["results"]] == ["duplicate", "accepted"]
    assert (await profile.snapshot("u1"))["features"]["purchases"] == 3


async def test_a_message_id_counts_once_under_concurrency(profile, track):
    messages = [track(f"m{n}", f"u{n % 7}", item_id=f"i{n % 5}") for n in range(60)]
    rotations = [messages[n:] + messages[:n] for n in range(0, 60, 6)]
    answers = await asyncio.gather(*(profile.send(*rotation) for rotation in rotations))
    assert sum(answer["accepted"] for answer in answers) == 60
    assert sum(answer["duplicates"] for answer in answers) == 540
    people = [(await profile.snapshot(f"u{n}"))["features"]["purchases"] for n in range(7)]
    assert sum(people) == 60


async def test_tenants_share_nothing(profile, track, as_tenant):
    await profile.send(track("m1"))
    other = await profile.post("/v1/batch", {"batch": [track("m1")]}, headers=as_tenant("other"))
    assert other.json()["accepted"] == 1
    await profile.post("/v1/batch", {"batch": [track("m2")]}, headers=as_tenant("other"))
    assert (await profile.snapshot("u1"))["features"]["purchases"] == 1
    assert (await profile.snapshot("u1", headers=as_tenant("other")))["features"]["purchases"] == 2


async def test_a_clock_that_runs_ahead_is_repaired_by_sent_at(profile, track):
    skewed = {**track("m1"), "timestamp": "2026-03-12T10:00:00Z", "sent_at": "2026-03-12T12:00:00Z"}
    ahead = {**track("m2", "u2"), "timestamp": "2026-03-10T12:30:00Z"}
    far = {**track("m3", "u3"), "timestamp": "2026-03-20T12:00:00Z"}
    answer = await profile.send(skewed, ahead, far)
    assert [v["code"] for v in answer["results"]] == [None, None, "invalid_timestamp"]
    lines = (await profile.get("/v1/events/export")).text.splitlines()
    assert '"occurred_at":"2026-03-10T10:00:00+00:00"' in lines[0]
    assert '"occurred_at":"2026-03-10T12:00:00+00:00"' in lines[1]


async def test_a_person_speaks_only_for_themselves(profile, track, as_person):
    answer = await profile.post(
        "/v1/batch",
        {
            "batch": [
                viewed(track, "m1", "u1"),
                track("m2", "u2"),
                {**track("m3"), "user_id": None, "anonymous_id": "u2"},
            ]
        },
        headers=as_person("u1"),
    )
    assert [v["code"] for v in answer.json()["results"]] == [None, "forbidden", "forbidden"]
    assert (await profile.get("/v1/dead-letters")).json()["data"] == []


async def test_a_person_claims_no_purchase_and_takes_no_message_id_of_a_server(profile, track, as_person):
    mine = [track("order-1", "u1"), viewed(track, "order-2", "u1")]
    answer = await profile.post("/v1/batch", {"batch": mine}, headers=as_person("u1"))
    assert [v["code"] for v in answer.json()["results"]] == ["event_from_servers_only", None]
    assert [v["message_id"] for v in answer.json()["results"]] == ["order-1", "order-2"]
    again = await profile.post("/v1/batch", {"batch": mine[1:]}, headers=as_person("u1"))
    assert again.json()["duplicates"] == 1
    assert (await profile.send(track("order-2", "u1")))["accepted"] == 1


def viewed(track, message_id, user_id):
    return {**track(message_id, user_id), "event": "content_viewed"}


async def test_without_the_scope_nothing_is_accepted(profile, track, internal_headers):
    answer = await profile.post("/v1/batch", {"batch": [track("m1")]}, headers=internal_headers("profile:read"))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
