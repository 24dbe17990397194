"""Loads the demo into a running platform through its public API, as any platform would load its own data.

Every id, key and moment is the same on a second load: items carry the first load's moment in their publication dates,
messages are known by their ids, consents and answers by their idempotency keys. So a second load changes nothing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import orjson

from demo.clock import Calendar
from demo.platform import LoadFailed, Platform, open_platform
from demo.rows import Row, campaigns, consent_records, event_row, identify_message, item_body
from demo.suitability import answers_of, only_asked
from demo.world import DEFAULT_SEED, World, simulate

__all__ = ["LoadFailed", "LoadReport", "load"]

Progress = Callable[[str, int, int], None]
"""Called with what is being loaded, how many are done, and how many there are."""

_BATCH = 1_000
_EVENT_ROWS = 20_000
_AT_ONCE = 8
_KEYS_KEPT = timedelta(days=6)  # idempotency keys live for seven days


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What was sent, and what was new to the platform. A second load has nothing new."""

    items: int
    people: int
    consents: int
    suitability: int
    campaigns: int
    events: int
    new_items: int
    new_people: int
    new_events: int
    rejected: int
    seconds: float


async def load(url: str, api_key: str, *, seed: int = DEFAULT_SEED, progress: Progress | None = None) -> LoadReport:
    """Loads the world of `seed` into the gateway at `url`. LoadFailed when the gateway refuses or stays silent."""
    started = time.monotonic()
    world = await asyncio.to_thread(simulate, seed)
    async with open_platform(url, api_key) as platform:
        end, first = await _moment_of_load(platform, world)
        loader = _Loader(platform, world, Calendar(end), progress or _silent)
        items = await loader.items()
        people = await loader.people()
        repeatable = first or datetime.now(UTC) - end < _KEYS_KEPT
        consents = await loader.consents() if repeatable else 0
        shown = await loader.campaigns()
        events = await loader.events()
        suitability = await loader.suitability() if repeatable else 0
    return LoadReport(
        items=len(world.items),
        people=len(world.people),
        consents=consents,
        suitability=suitability,
        campaigns=shown,
        events=len(world.events),
        new_items=items,
        new_people=people.new,
        new_events=events.new,
        rejected=people.rejected + events.rejected,
        seconds=round(time.monotonic() - started, 2),
    )


@dataclass(frozen=True, slots=True)
class _Taken:
    """What the platform said about some messages."""

    new: int = 0
    rejected: int = 0

    def __add__(self, other: "_Taken") -> "_Taken":
        return _Taken(self.new + other.new, self.rejected + other.rejected)


@dataclass(frozen=True, slots=True)
class _Loader:
    platform: Platform
    world: World
    calendar: Calendar
    progress: Progress

    async def items(self) -> int:
        bodies = [item_body(item, self.calendar) for item in self.world.items]
        answer = await self.platform.post("/v1/items", {"items": bodies})
        self.progress("items", len(bodies), len(bodies))
        return int(answer["changed"])

    async def people(self) -> _Taken:
        messages = [identify_message(person, self.world.seed) for person in self.world.people]
        taken = _Taken()
        for done, batch in _batches(messages, _BATCH):
            answer = await self.platform.post("/v1/batch", {"batch": batch})
            taken += _Taken(answer["accepted"], answer["rejected"])
            self.progress("people", done, len(messages))
        return taken

    async def consents(self) -> int:
        records = list(consent_records(self.world))
        for done, batch in _batches(records, _BATCH):
            key = f"demo-{self.world.seed}-consents-{done}"
            await self.platform.post("/v1/consents", {"records": batch}, key=key)
            self.progress("consents", done, len(records))
        return len(records)

    async def campaigns(self) -> int:
        bodies = campaigns()
        for campaign_id, body in bodies.items():
            await self.platform.put(f"/v1/campaigns/{campaign_id}", body)
        self.progress("campaigns", len(bodies), len(bodies))
        return len(bodies)

    async def events(self) -> _Taken:
        taken = _Taken()
        for done, batch in _batches(self.world.events, _EVENT_ROWS):
            lines = await asyncio.to_thread(self._lines, batch)
            report = await self.platform.post_lines("/v1/events/import", lines)
            taken += _Taken(report["kept"], report["rejected"])
            self.progress("events", done, len(self.world.events))
        return taken

    def _lines(self, events: Sequence[Any]) -> bytes:
        rows = (event_row(event, self.calendar, self.world.seed) for event in events)
        return b"\n".join(map(orjson.dumps, rows))

    async def suitability(self) -> int:
        questions = (await self.platform.get("/v1/suitability/questions?locale=en"))["questions"]
        bodies = list(_answer_bodies(self.world, questions))
        slots = asyncio.Semaphore(_AT_ONCE)
        for done, batch in _batches(bodies, 100):
            async with asyncio.TaskGroup() as group:
                for body in batch:
                    group.create_task(_within(slots, self._answer(body)))
            self.progress("suitability", done, len(bodies))
        return len(bodies)

    async def _answer(self, body: Row) -> None:
        key = f"demo-{self.world.seed}-suitability-{body['user_id']}"
        await self.platform.post("/v1/suitability", body, key=key)


def _answer_bodies(world: World, questions: Sequence[Row]) -> Iterator[Row]:
    for number, person in enumerate(world.people, start=1):
        answers = answers_of(person, number, world.seed)
        if answers is not None:
            body = {"user_id": person.user_id, "answers": only_asked(answers, questions), "locale": person.locale}
            yield body


async def _within(slots: asyncio.Semaphore, work: Awaitable[None]) -> None:
    async with slots:
        await work


async def _moment_of_load(platform: Platform, world: World) -> tuple[datetime, bool]:
    """The moment that events lead up to, and whether this is the first load: now, or that of the earlier load."""
    first = world.items[0]
    known = await platform.get(f"/v1/items/{first.item_id}")
    if known is None or not known["published_at"]:
        return datetime.now(UTC).replace(microsecond=0), True
    return datetime.fromisoformat(known["published_at"]) - timedelta(days=first.published_day), False


def _batches(rows: Sequence[Any], size: int) -> Iterator[tuple[int, list[Any]]]:
    """Rows in batches, each with the number of rows up to its end."""
    iterator, done = iter(rows), 0
    while batch := list(islice(iterator, size)):
        done += len(batch)
        yield done, batch


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""
