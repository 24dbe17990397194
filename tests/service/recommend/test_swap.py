"""New models are taken into use under load, without one failed request."""

import asyncio

from tests.service.recommend.conftest import item, publish_model, put_items, small_model

PEOPLE = 8
SWAPS = 4


async def test_models_are_swapped_under_load_without_a_failed_request(client, settings):
    await put_items(client, *[item(f"i{n}", "tech") for n in range(20)])
    item_ids = [f"i{n}" for n in range(20)]
    published = [publish_model(settings.shared.artifacts_dir, small_model(item_ids, {}, "0")).version]
    statuses: set[int] = set()
    versions: list[str | None] = []
    done = asyncio.Event()

    async def person(number: int) -> None:
        while not done.is_set():
            answer = await client.post("/v1/content", json={"user_id": f"u{number}"})
            statuses.add(answer.status_code)
            versions.append(answer.json()["model_version"])
            assert len(answer.json()["items"]) == 10

    async def in_use(version: str) -> None:
        while versions[-1:] != [version]:
            await asyncio.sleep(0.01)

    people = [asyncio.create_task(person(n)) for n in range(PEOPLE)]
    async with asyncio.timeout(120):
        for n in range(SWAPS):
            await in_use(published[-1])
            model = small_model(item_ids, {(f"i{n}", "i9"): 1.0}, str(n))
            published.append(publish_model(settings.shared.artifacts_dir, model).version)
        await in_use(published[-1])
    done.set()
    await asyncio.gather(*people)
    assert statuses == {200}
    assert [version for version in dict.fromkeys(versions) if version] == published
