"""Swaps under load over a real socket: no request is lost, every answer is of a version that served then."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import aiohttp

from services.intent.app import create_app
from services.intent.trained.package import published_folder
from services.kit.settings import SharedSettings
from tests.service.intent.conftest import Headers, MakeSettings, listening
from tests.service.intent.packages import damage, seal, write_package

PEOPLE = 100
SWAPS = 8
LABELS = {"a": "greeting", "b": "thanks_bye"}


@dataclass(frozen=True)
class Answer:
    """When a question was asked and answered, and by which version."""

    asked: float
    answered: float
    status: int
    version: str
    label: str


@dataclass
class Load:
    """People who ask without a pause, each text once, until told to stop."""

    session: aiohttp.ClientSession
    answers: list[Answer] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    numbers: count = field(default_factory=count)

    async def person(self) -> None:
        while not self.over.is_set():
            number = next(self.numbers)
            text = {"text": f"no. {number}"} if number % 10 else {"texts": [f"{number} {place}" for place in range(8)]}
            asked = time.monotonic()
            async with self.session.post("/v1/understand", json=text) as answer:
                body = await answer.json()
            version, label = body["model"]["version"], body["results"][0]["label"]
            assert {result["label"] for result in body["results"]} == {label}
            self.answers.append(Answer(asked, time.monotonic(), answer.status, version, label))

    async def promote(self, version: str) -> int:
        headers = {"X-Request-Deadline-Ms": "60000"}  # An operator has time.
        async with self.session.post(f"/v1/models/{version}/promote", headers=headers) as answer:
            return answer.status

    async def until(self, version: str, state: str) -> None:
        async with asyncio.timeout(60):
            while True:
                async with self.session.get(f"/v1/models/{version}") as answer:
                    if (await answer.json())["state"] == state:
                        return
                await asyncio.sleep(0.02)

    async def answered(self, more: int) -> None:
        """Return once so many more were answered."""
        enough = len(self.answers) + more
        async with asyncio.timeout(60):
            while len(self.answers) < enough:
                await asyncio.sleep(0.005)

    def lost(self) -> list[Answer]:
        return [each for each in self.answers if each.status != 200 or each.label != LABELS[each.version]]

    def between(self, begin: float, end: float) -> set[str]:
        """Who answered what was asked and answered in that time."""
        return {each.version for each in self.answers if begin <= each.asked and each.answered <= end}


@asynccontextmanager
async def under_load(url: str, headers: dict[str, str]) -> AsyncIterator[Load]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(url, headers=headers, connector=connector) as session:
        load = Load(session)
        await load.until("a", "available")
        assert await load.promote("a") == 202
        await load.until("a", "serving")
        async with asyncio.TaskGroup() as people:
            for _ in range(PEOPLE):
                people.create_task(load.person())
            await load.answered(PEOPLE)
            yield load
            load.over.set()


async def test_swaps_back_and_forth_lose_no_request(
    make_settings: MakeSettings, shared_settings: SharedSettings, internal_headers: Headers
) -> None:
    home = published_folder(shared_settings.artifacts_dir)
    for version, label in LABELS.items():
        write_package(home, version, label)
    headers = internal_headers("understand", "models:read", "models:write")
    alone = []
    async with listening(create_app(make_settings())) as url, under_load(url, headers) as load:
        for swap in range(SWAPS):
            version = "ba"[swap % 2]
            assert await load.promote(version) == 202
            await load.until(version, "serving")
            begin = time.monotonic()
            await load.answered(PEOPLE + 1)  # so many are under way at most: one answer at least was asked for since
            alone.append((version, begin, time.monotonic()))
    assert load.lost() == []
    assert [load.between(begin, end) for _, begin, end in alone] == [{version} for version, _, _ in alone]


async def test_corrupted_packages_under_load_are_refused_and_the_old_model_stays(
    make_settings: MakeSettings, shared_settings: SharedSettings, internal_headers: Headers
) -> None:
    home = published_folder(shared_settings.artifacts_dir)
    for version, label in {**LABELS, "c": "greeting"}.items():
        write_package(home, version, label)
    damage(home / "b")
    unreadable(home / "c")
    headers = internal_headers("understand", "models:read", "models:write")
    async with listening(create_app(make_settings())) as url, under_load(url, headers) as load:
        assert await load.promote("b") == 409
        assert await load.promote("c") == 202
        await load.until("c", "refused")
        await load.answered(PEOPLE * 2)
        seal(home / "b", "b")
        damage(home / "b")
        assert await load.promote("b") == 409
        assert load.lost() == []
        assert {each.version for each in load.answers} == {"a"}


def unreadable(folder: Path) -> None:
    """Its checksums are right, and it is no model."""
    (folder / "model.onnx").write_bytes(b"no model")
    seal(folder, folder.name)
