"""What a fitted model shows: its ranking and its evidence, items that it does not know, and a model that is damaged."""

from tests.service.recommend.conftest import (
    CATALOGUE,
    caught_up,
    content,
    eventually,
    ids,
    item,
    publish_model,
    put_items,
    small_model,
    with_model,
)


async def test_the_fitted_model_ranks_and_names_its_evidence(client, profile, settings):
    await put_items(client, *CATALOGUE)
    assert (await client.get("/v1/model")).json()["code"] == "no_model"
    known = ["f1", "f2", "t1", "t2", "h1"]
    manifest = await with_model(client, settings, known, {("t1", "h1"): 5.0, ("t1", "f2"): 2.0})
    await profile.did("u1", "content_completed", "t1")
    await caught_up(client)
    answer = await content(client, limit=2)
    assert (ids(answer), answer["model_version"]) == (["h1", "f2"], manifest.version)
    assert answer["items"][0]["reasons"] == ["because you finished “Course t1”"]
    assert answer["items"][0]["source"] == "ease"
    answer = await content(client, limit=2, locale="zh-CN")
    assert answer["items"][0]["reasons"] == ["因为你学完了《Course t1》"]
    told = (await client.get("/v1/model")).json()
    assert (told["version"], told["checksum"]) == (manifest.version, manifest.checksum)


async def test_an_item_newer_than_the_model_has_a_place(client, profile, settings):
    await put_items(client, *CATALOGUE)
    known = ["f1", "f2", "t1", "t2", "h1"]
    await with_model(client, settings, known, {("t1", "t2"): 5.0})
    await put_items(client, *[item(f"more-{n:02}", "health") for n in range(20)], item("new", "tech"))
    await profile.did("u1", "content_completed", "t1")
    await caught_up(client)
    answer = await content(client, limit=4)
    assert ids(answer)[0] == "t2"
    assert {"f1", "f2", "h1"} & set(ids(answer))
    answer = await content(client, limit=10)
    (new,) = [each for each in answer["items"] if each["item_id"] == "new"]
    assert (new["source"], new["reasons"]) == ("new", ["new in tech"])


async def test_a_hidden_item_and_one_of_tomorrow_are_not_shown(client, settings):
    await put_items(
        client,
        item("a", "tech"),
        item("b", "tech", status="hidden"),
        item("c", "tech", published_at="2999-01-01T00:00:00Z"),
    )
    await with_model(client, settings, ["a", "b", "c"], {})
    assert ids(await content(client)) == ["a"]
    assert ids(await content(client, personalise=False)) == ["a"]
    assert ids((await client.get("/v1/latest")).json(), "data") == ["a"]


async def test_an_item_is_shown_from_the_moment_of_its_publication(client):
    from datetime import UTC, datetime, timedelta

    soon = datetime.now(UTC) + timedelta(seconds=0.5)
    await put_items(client, item("a", "tech", published_at=soon.isoformat()))

    async def shown() -> bool:
        return ids(await content(client)) == ["a"]

    await eventually(shown)
    assert datetime.now(UTC) >= soon


async def test_a_corrupted_artifact_is_refused_and_the_old_one_stays(client, settings):
    await put_items(client, *CATALOGUE)
    first = await with_model(client, settings, ["t1", "t2"], {("t1", "t2"): 5.0})
    folder = settings.shared.artifacts_dir / "default" / "recommend"
    second = publish_model(settings.shared.artifacts_dir, small_model(["t1", "t2"], {}, "second"))
    damaged = folder / second.version / "model.json"
    damaged.write_bytes(damaged.read_bytes() + b" ")
    # A third version with a right checksum and arrays that do not fit is refused as well.
    wrong = small_model(["t1", "t2"], {})
    object.__setattr__(wrong, "item_ids", ("t1", "t2", "t3"))
    publish_model(settings.shared.artifacts_dir, wrong)

    async def refused() -> bool:
        text = (await client.get("/metrics")).text
        return 'kuajie_artifact_refusals_total{kind="recommend"} ' in text

    await eventually(refused)
    assert (await client.get("/v1/model")).json()["version"] == first.version
    assert (await content(client))["model_version"] == first.version


async def test_similar_items_come_from_the_model_and_are_filled_up_by_category(client, settings):
    await put_items(client, *CATALOGUE, item("t3", "tech"))
    await with_model(client, settings, ["f1", "f2", "t1", "t2", "h1"], {("t1", "h1"): 5.0})
    answer = (await client.get("/v1/items/t1/similar", params={"locale": "en"})).json()
    assert ids(answer, "data")[0] == "h1"
    assert set(ids(answer, "data")) == {"h1", "t2", "t3"}
    assert {reason for each in answer["data"] for reason in each["reasons"]} == {"similar to “Course t1”"}
    new = (await client.get("/v1/items/t3/similar")).json()
    assert set(ids(new, "data")) == {"t1", "t2"}
    assert (await client.get("/v1/items/nowhere/similar")).status_code == 404
