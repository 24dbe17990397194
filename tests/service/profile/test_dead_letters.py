"""What could not be kept is kept as it came, and can be tried again."""

FUTURE = "2026-03-12T12:00:00Z"


async def letters(profile, **params):
    answer = await profile.get("/v1/dead-letters", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def replay(profile, **body):
    answer = await profile.post("/v1/dead-letters/replay", body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_refused_message_is_kept_with_its_reason(profile, track):
    await profile.send(track("m1", timestamp="soon"))
    (letter,) = (await letters(profile))["data"]
    assert (letter["source"], letter["code"], letter["param"], letter["replays"]) == (
        "batch", "invalid_timestamp", "timestamp", 0,
    )  # fmt: skip
    assert '"message_id":"m1"' in letter["payload"]


async def test_the_same_mistake_is_kept_once(profile, track):
    for _ in range(3):
        await profile.send(track("m1", timestamp="soon"))
    assert len((await letters(profile))["data"]) == 1


async def test_what_has_become_right_is_kept_and_forgotten_as_dead(profile, track):
    await profile.send(track("m1", timestamp=FUTURE), track("m2", timestamp="never"), track("m3"))
    await profile.load({"user_id": "u1", "item_id": "i1", "timestamp": FUTURE})
    assert await replay(profile) == {"accepted": 0, "duplicates": 0, "rejected": 3}
    profile.clock.advance(days=3)
    assert await replay(profile) == {"accepted": 2, "duplicates": 0, "rejected": 1}
    (left,) = (await letters(profile))["data"]
    assert (left["code"], left["replays"]) == ("invalid_timestamp", 2)
    assert (await profile.snapshot("u1"))["features"]["purchases"] == 3


async def test_a_replay_of_something_that_came_since_is_a_duplicate(profile, track):
    await profile.send(track("m1", timestamp=FUTURE))
    profile.clock.advance(days=3)
    await profile.send(track("m1", timestamp=FUTURE))
    assert await replay(profile) == {"accepted": 0, "duplicates": 1, "rejected": 0}
    assert (await letters(profile))["data"] == []


async def test_a_replay_repairs_the_clock_by_the_first_arrival(profile, track):
    await profile.send({**track("m1", timestamp="2026-03-13T12:00:00Z"), "sent_at": "2026-03-11T12:00:00Z"})
    profile.clock.advance(days=5)
    assert (await replay(profile))["accepted"] == 1
    assert '"occurred_at":"2026-03-12T12:00:00+00:00"' in (await profile.get("/v1/events/export")).text


async def test_only_the_named_ones_are_tried(profile, track):
    await profile.send(track("m1", timestamp=FUTURE), track("m2", timestamp=FUTURE))
    first, second = (await letters(profile))["data"]
    profile.clock.advance(days=3)
    assert (await replay(profile, dead_letter_ids=[second["dead_letter_id"]]))["accepted"] == 1
    assert [letter["dead_letter_id"] for letter in (await letters(profile))["data"]] == [first["dead_letter_id"]]


async def test_dead_letters_are_read_page_by_page(profile, track):
    await profile.send(*(track(f"m{n}", timestamp="soon") for n in range(5)))
    first = await letters(profile, limit=3)
    rest = await letters(profile, limit=3, cursor=first["next_cursor"])
    ids = [letter["dead_letter_id"] for letter in first["data"] + rest["data"]]
    assert (len(set(ids)), first["has_more"], rest["has_more"]) == (5, True, False)
    wrong = await profile.get("/v1/dead-letters", params={"cursor": "WyJ4IiwieSJd"})
    assert (wrong.status_code, wrong.json()["param"]) == (400, "cursor")


async def test_tenants_and_people_see_none_of_it(profile, track, as_tenant, as_person):
    await profile.send(track("m1", timestamp="soon"))
    assert (await profile.get("/v1/dead-letters", headers=as_tenant("other"))).json()["data"] == []
    assert (await profile.get("/v1/dead-letters", headers=as_person("u1"))).status_code == 403
    answer = await profile.post("/v1/dead-letters/replay", {}, headers=as_tenant("other"))
    assert answer.json() == {"accepted": 0, "duplicates": 0, "rejected": 0}
