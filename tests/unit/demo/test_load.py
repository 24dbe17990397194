"""The loader against a platform that remembers what it was sent, as the real one does."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from demo import load as loading
from demo.load import LoadFailed, load
from demo.world import World

QUESTIONS = [{"id": "needs", "options": []}, {"id": "dependants", "options": []}]


class FakePlatform:
    """Keeps items, messages and keyed requests; counts what was new."""

    def __init__(self) -> None:
        self.items: dict[str, Any] = {}
        self.messages: dict[str, Any] = {}
        self.keyed: dict[str, bytes] = {}
        self.campaigns: dict[str, Any] = {}
        self.busy = 0
        self.refused: str | None = None

    def application(self) -> web.Application:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_get("/v1/items/{item_id}", self.item)
        app.router.add_post("/v1/items", self.upsert)
        app.router.add_post("/v1/batch", self.batch)
        app.router.add_post("/v1/consents", self.keep_keyed)
        app.router.add_put("/v1/campaigns/{campaign_id}", self.campaign)
        app.router.add_post("/v1/events/import", self.events)
        app.router.add_get("/v1/suitability/questions", self.questions)
        app.router.add_post("/v1/suitability", self.keep_keyed)
        return app

    async def item(self, request: web.Request) -> web.Response:
        found = self.items.get(request.match_info["item_id"])
        return web.json_response(found, status=200 if found else 404)

    async def upsert(self, request: web.Request) -> web.Response:
        if self.refused:
            problem = {"code": "invalid_request", "param": "items.0.price", "detail": self.refused}
            return web.json_response(problem, status=422)
        bodies = (await request.json())["items"]
        changed = [body for body in bodies if self.items.get(body["item_id"]) != body]
        self.items.update({body["item_id"]: body for body in bodies})
        return web.json_response({"upserted": len(bodies), "changed": len(changed)})

    async def batch(self, request: web.Request) -> web.Response:
        if self.busy:
            self.busy -= 1
            return web.json_response({"code": "unavailable"}, status=503)
        new = self._new((await request.json())["batch"])
        return web.json_response({"accepted": new, "rejected": 0})

    async def events(self, request: web.Request) -> web.Response:
        rows = [orjson.loads(line) for line in (await request.read()).splitlines()]
        return web.json_response({"kept": self._new(rows), "rejected": 0})

    async def keep_keyed(self, request: web.Request) -> web.Response:
        key, body = request.headers["Idempotency-Key"], await request.read()
        if self.keyed.setdefault(key, body) != body:
            return web.json_response({"code": "idempotency_key_reused"}, status=422)
        return web.json_response({})

    async def campaign(self, request: web.Request) -> web.Response:
        self.campaigns[request.match_info["campaign_id"]] = await request.json()
        return web.json_response({})

    async def questions(self, request: web.Request) -> web.Response:
        return web.json_response({"questions": QUESTIONS})

    def _new(self, rows: list[dict[str, Any]]) -> int:
        before = len(self.messages)
        for row in rows:
            self.messages.setdefault(row["message_id"], row)
        return len(self.messages) - before


@pytest.fixture
async def platform() -> AsyncIterator[tuple[FakePlatform, str]]:
    fake = FakePlatform()
    async with TestServer(fake.application()) as server:
        yield fake, str(server.make_url("/"))


@pytest.fixture(autouse=True)
def small_world(village: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "simulate", lambda seed: village)


async def test_everything_is_sent_once(platform: tuple[FakePlatform, str], village: World) -> None:
    fake, url = platform
    report = await load(url, "key", seed=7)
    assert (report.new_items, report.new_people, report.new_events) == (600, 60, len(village.events))
    assert len(fake.messages) == 60 + len(village.events)
    assert report.campaigns == len(fake.campaigns) == 6
    assert report.suitability == sum("suitability" in key for key in fake.keyed) > 5
    assert report.rejected == 0


async def test_a_second_load_changes_nothing(platform: tuple[FakePlatform, str]) -> None:
    fake, url = platform
    await load(url, "key", seed=7)
    before = (dict(fake.items), dict(fake.messages), dict(fake.keyed), dict(fake.campaigns))
    report = await load(url, "key", seed=7)
    assert (report.new_items, report.new_people, report.new_events) == (0, 0, 0)
    assert (fake.items, fake.messages, fake.keyed, fake.campaigns) == before


async def test_progress_reaches_the_total_of_every_stage(platform: tuple[FakePlatform, str]) -> None:
    seen: dict[str, tuple[int, int]] = {}
    await load(platform[1], "key", seed=7, progress=lambda stage, done, total: seen.update({stage: (done, total)}))
    assert set(seen) == {"items", "people", "consents", "campaigns", "events", "suitability"}
    assert all(done == total > 0 for done, total in seen.values())


async def test_a_busy_platform_is_asked_again(
    platform: tuple[FakePlatform, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo.platform._WAIT_S", 0.01)
    fake, url = platform
    fake.busy = 2
    assert (await load(url, "key", seed=7)).new_people == 60


async def test_a_refusal_names_the_route_the_field_and_the_reason(platform: tuple[FakePlatform, str]) -> None:
    fake, url = platform
    fake.refused = "not a price"
    with pytest.raises(LoadFailed, match=r"POST /v1/items: 422 invalid_request items\.0\.price not a price"):
        await load(url, "key", seed=7)


async def test_nobody_at_the_address_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo.platform._WAIT_S", 0.01)
    with pytest.raises(LoadFailed, match="GET /v1/items"):
        await load("http://127.0.0.1:1", "key", seed=7)
