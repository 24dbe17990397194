"""Work for somebody who has left."""

import asyncio

import pytest

from services.kit.disconnect import DEPARTURE, ClientGone, Departure, while_connected


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
        await while_connected({}, receive, work())
    assert cancelled.is_set()


async def test_work_that_ends_first_is_answered_and_nobody_listens_on():
    async def work():
        return 7

    before = asyncio.all_tasks()
    assert await while_connected({}, never, work()) == 7
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_an_error_of_the_work_is_the_callers():
    async def work():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await while_connected({}, never, work())


async def never_asked():
    raise AssertionError("the connection tells it")


@pytest.mark.parametrize("when", ["before", "meanwhile"])
async def test_a_departure_that_the_connection_tells_ends_the_work(when):
    departure, cancelled = Departure(), asyncio.Event()

    async def work():
        try:
            await never()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    if when == "before":
        departure.happens()
    else:
        asyncio.get_running_loop().call_later(0.01, departure.happens)
    with pytest.raises(ClientGone):
        await while_connected({DEPARTURE: departure}, never_asked, work())
    assert cancelled.is_set()


async def test_a_departure_after_the_work_is_nobodys():
    departure = Departure()

    async def work():
        return 7

    assert await while_connected({DEPARTURE: departure}, never_asked, work()) == 7
    departure.happens()
    await asyncio.sleep(0)  # where this task would have been cancelled


async def test_a_departure_before_work_that_waits_for_nothing_cancels_nothing_after_it():
    departure = Departure()
    departure.happens()

    async def work():
        return 7

    assert await while_connected({DEPARTURE: departure}, never_asked, work()) == 7
    await asyncio.sleep(0)
    assert asyncio.current_task().cancelling() == 0


async def test_a_request_that_ends_after_the_next_began_leaves_that_one_told():
    departure, answered = Departure(), asyncio.Event()
    first = asyncio.create_task(while_connected({DEPARTURE: departure}, never_asked, answered.wait()))
    second = asyncio.create_task(while_connected({DEPARTURE: departure}, never_asked, never()))
    await asyncio.sleep(0)
    answered.set()
    await first
    departure.happens()
    with pytest.raises(ClientGone):
        await second


async def test_who_is_cancelled_otherwise_is_not_said_to_have_lost_the_caller():
    here = asyncio.create_task(while_connected({DEPARTURE: Departure()}, never_asked, never()))
    await asyncio.sleep(0)
    here.cancel()
    with pytest.raises(asyncio.CancelledError):
        await here
