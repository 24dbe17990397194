"""Work for somebody who has left."""

import asyncio

import pytest

from services.kit.disconnect import ClientGone, while_connected


async def never():
    await asyncio.sleep(60)


async def test_work_ends_when_its_caller_leaves():
    cancelled = asyncio.Event()

    async def work():
        try:
            await never()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async def receive():
        await asyncio.sleep(0.01)
        return {"type": "http.disconnect"}

    with pytest.raises(ClientGone):
        await while_connected(receive, work())
    assert cancelled.is_set()


async def test_work_that_ends_first_is_answered_and_nobody_listens_on():
    async def work():
        return 7

    before = asyncio.all_tasks()
    assert await while_connected(never, work()) == 7
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_an_error_of_the_work_is_the_callers():
    async def work():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await while_connected(never, work())
