"""A second load of the demo."""

import asyncio
import json
from typing import Any

import httpx

import demo
from demo.load import load
from demo.world import World

WATCHED = (
    f"/v1/people/{demo.EXAMPLE_USER}/consents",
    f"/v1/people/{demo.EXAMPLE_USER}/suitability",
    "/v1/people/demo-user-0008/profile",
    f"/v1/items/{demo.EXAMPLE_ITEM}",
    "/v1/items?limit=100",
)


def test_a_second_load_changes_nothing(client: httpx.Client) -> None:
    before = [client.get(path).json() for path in WATCHED]
    report = asyncio.run(load(str(client.base_url), client.headers["Authorization"].removeprefix("Bearer ")))
    assert (report.new_items, report.new_people, report.new_events, report.rejected) == (0, 0, 0, 0)
    assert [client.get(path).json() for path in WATCHED] == before


def test_the_first_load_was_whole(stack: Any, world: World) -> None:
    loaded = json.loads((stack.folder / "demo.json").read_text())["loaded"]
    assert (loaded["new_items"], loaded["new_people"], loaded["new_events"]) == (600, 2000, len(world.events))
    assert loaded["rejected"] == 0
