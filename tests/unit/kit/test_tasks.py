"""Background work: it ends with its owner, and what dies is begun again."""

import asyncio
from functools import partial

import pytest

from services.kit import tasks
from services.kit.tasks import DIED, background


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(tasks, "_LONGEST_PAUSE_S", 0.004)


async def test_what_dies_is_said_and_begun_again(caplog: pytest.LogCaptureFixture) -> None:
    begun: list[str] = []
    there = asyncio.Event()

    async def sends(what: str) -> None:
        begun.append(what)
        if len(begun) < 4:
            raise UnicodeError(what)
        there.set()
        await asyncio.Event().wait()

    name = sends.__qualname__
    before = DIED.labels(name)._value.get()
    async with asyncio.timeout(10), background(partial(sends, "letters")):
        await there.wait()
    assert begun == ["letters"] * 4
    assert DIED.labels(name)._value.get() - before == 3


async def test_it_ends_with_its_owner_also_in_a_pause() -> None:
    tasks_before = asyncio.all_tasks()

    async def dies() -> None:
        raise OSError

    async def waits() -> None:
        await asyncio.Event().wait()

    async with background(dies, waits):
        await asyncio.sleep(0.01)
    assert asyncio.all_tasks() == tasks_before


async def test_what_is_done_is_not_begun_again() -> None:
    begun = 0

    async def once() -> None:
        nonlocal begun
        begun += 1

    async with background(once):
        await asyncio.sleep(0.02)
    assert begun == 1
