"""Each back end killed in turn under load, then Redis: always 200, always the same shape, always the right status."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp
import httpx
import pytest

import demo

CALLERS = 8
PEOPLE = [f"demo-user-{number:04d}" for number in range(1, CALLERS + 1)]
SHAPE = {
    "request_id", "decision_id", "user_id", "generated_at", "profile", "intent", "content", "insurance", "campaign",
    "experiments", "disclosures", "sections",
}  # fmt: skip
SECTIONS = ("profile", "content", "intent", "insurance", "campaign")
RESTART_S = 120.0
"""Long enough for the slowest machine; a restart takes a few seconds."""


@dataclass
class Seen:
    """What the callers were answered since the last `clear`."""

    statuses: Counter[tuple[str, str]] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    priced_while_stale: int = 0
    answers: int = 0

    def note(self, status: int, document: dict[str, Any]) -> None:
        if status != 200 or set(document) != SHAPE or set(document["sections"]) != set(SECTIONS):
            self.broken.append(f"{status}: {sorted(document)}")
            return
        self.answers += 1
        reports = {name: report["status"] for name, report in document["sections"].items()}
        self.statuses.update(reports.items())
        if reports["insurance"] == "stale":
            self.priced_while_stale += sum(offer["indicative_premium"] is not None for offer in document["insurance"])

    def of(self, section: str) -> set[str]:
        return {status for name, status in self.statuses if name == section}

    def clear(self) -> None:
        self.statuses.clear()
        self.answers = 0


@asynccontextmanager
async def callers(running: Any) -> AsyncIterator[Seen]:
    """A closed loop of eight callers, each for one person who says the same thing again and again."""
    seen, stopped = Seen(), asyncio.Event()

    async def call(session: aiohttp.ClientSession, user_id: str) -> None:
        body = {"user_id": user_id, "message": "我想买一份重疾险", "item_id": demo.EXAMPLE_ITEM}
        while not stopped.is_set():
            async with session.post("/v1/recommend", json=body) as answer:
                seen.note(answer.status, await answer.json(content_type=None))

    headers = running.headers | {"X-Request-Deadline-Ms": "10000"}
    async with aiohttp.ClientSession(running.url, headers=headers) as session, asyncio.TaskGroup() as group:
        for user_id in PEOPLE:
            group.create_task(call(session, user_id))
        try:
            yield seen
        finally:
            stopped.set()


async def until(check: Callable[[], bool], *, within: float) -> None:
    deadline = time.monotonic() + within
    while not check():
        assert time.monotonic() < deadline, f"not within {within} s"
        await asyncio.sleep(0.05)


async def all_ok(seen: Seen) -> None:
    """Two rounds of answers in a row with nothing but ok."""

    async def quiet() -> bool:
        seen.clear()
        await until(lambda: seen.answers >= 2 * CALLERS, within=RESTART_S)
        return all(seen.of(section) == {"ok"} for section in SECTIONS)

    deadline = time.monotonic() + RESTART_S
    while not await quiet():
        assert time.monotonic() < deadline, f"not ok again: {dict(seen.statuses)}"


@pytest.mark.parametrize(
    ("back_end", "told"),
    [
        ("profile", {"profile": "stale"}),
        ("intent", {"intent": "stale"}),
        ("recommend", {"content": "stale", "campaign": "error"}),
        ("insurance", {"insurance": "stale"}),
    ],
)
async def test_a_killed_back_end_is_told_in_its_sections_and_nowhere_else(
    stack: Any, back_end: str, told: dict[str, str]
) -> None:
    async with callers(stack) as seen:
        await all_ok(seen)
        killed = stack.pid(back_end)
        os.kill(killed, signal.SIGKILL)
        await until(lambda: all(told[section] in seen.of(section) for section in told), within=RESTART_S)
        await until(lambda: stack.pid(back_end) != killed, within=RESTART_S)
        during = {section: seen.of(section) - {"ok"} for section in SECTIONS}
        await all_ok(seen)
    assert seen.broken == []
    assert during == {section: {told[section]} if section in told else set() for section in SECTIONS}
    assert seen.priced_while_stale == 0


async def settled(running: Any) -> None:
    async with callers(running) as seen:
        await all_ok(seen)


def test_with_recommend_dead_a_stranger_gets_what_is_popular(stack: Any, eventually: Callable[..., float]) -> None:
    asyncio.run(settled(stack))
    os.kill(killed := stack.pid("recommend"), signal.SIGKILL)
    with httpx.Client(base_url=stack.url, headers=stack.headers, timeout=60) as client:
        body = {"user_id": f"stranger-{uuid4().hex}", "sections": ["content"]}
        answer = client.post("/v1/recommend", json=body)
    assert answer.status_code == 200
    assert answer.headers["X-Kuajie-Complete"] == "false"
    assert answer.json()["sections"]["content"]["status"] == "fallback"
    assert len(answer.json()["content"]) == 10
    eventually(lambda: stack.pid("recommend") != killed, within=RESTART_S)
    asyncio.run(settled(stack))


async def test_with_redis_dead_everything_still_answers(stack: Any) -> None:
    async with callers(stack) as seen:
        await all_ok(seen)
        killed = stack.pid("Redis")
        os.kill(killed, signal.SIGSTOP)
        try:
            # Two seconds an answer are much where nothing waits for Redis.
            await until(lambda: seen.answers >= 10 * CALLERS, within=20)
            with httpx.Client(base_url=stack.url, headers=stack.headers, timeout=60) as client:
                accepted = [await asyncio.to_thread(_record, client, number) for number in range(3)]
        finally:
            os.kill(killed, signal.SIGKILL)
        await until(lambda: stack.pid("Redis") != killed, within=RESTART_S)
        await until(lambda: seen.answers >= 15 * CALLERS, within=RESTART_S)
    assert seen.broken == []
    assert accepted == [1, 1, 1]
    assert all(seen.of(section) == {"ok"} for section in SECTIONS)


def test_events_of_the_time_without_redis_arrive_when_it_is_back(stack: Any, eventually: Callable[..., float]) -> None:
    with httpx.Client(base_url=stack.url, headers=stack.headers, timeout=60) as client:
        user_id = PEOPLE[-1]
        bodies = {"user_id": user_id, "sections": ["content"]}
        first = client.post("/v1/recommend", json=bodies).json()["content"][0]["item_id"]
        killed = stack.pid("Redis")
        os.kill(killed, signal.SIGKILL)
        event = {
            "type": "track",
            "message_id": f"test-{uuid4().hex}",
            "user_id": user_id,
            "event": "purchase_completed",
        }
        sent = {**event, "properties": {"item_id": first, "value": 10, "currency": "CNY"}}
        assert client.post("/v1/batch", json={"batch": [sent]}).json()["accepted"] == 1

        def gone() -> bool:
            shown = client.post("/v1/recommend", json=bodies).json()["content"]
            return first not in [item["item_id"] for item in shown]

        eventually(gone, within=RESTART_S)
        eventually(lambda: stack.pid("Redis") != killed, within=RESTART_S)


def _record(client: httpx.Client, number: int) -> int:
    message = {
        "type": "track",
        "message_id": f"test-{uuid4().hex}",
        "user_id": f"nobody-{number}",
        "event": "content_searched",
        "properties": {"query": "python"},
    }
    return int(client.post("/v1/batch", json={"batch": [message]}).json()["accepted"])
