"""Callers who leave, deadlines, a full queue, and who overtakes whom."""

import asyncio

import pytest

from services.intent.serving.failures import DeadlinePassed, QueueFull
from services.intent.serving.waiting import Priority
from tests.unit.intent.batching import EchoModel, House, hold, queued


async def test_a_text_whose_caller_has_gone_is_never_computed() -> None:
    house = House()
    async with house.batcher:
        first = await hold(house)
        gone, stays = house.ask("gone"), house.ask("stays")
        await queued(house, 2)
        gone.cancel()
        await asyncio.wait([gone])
        assert house.batcher.unsettled == 2
        house.model.open()
        assert await asyncio.gather(first, stays) == [["FIRST"], ["STAYS"]]
    assert house.model.batches == [["first"], ["stays"]]
    assert house.ledger.dropped_texts == {"caller_gone": 1}


async def test_a_caller_that_leaves_during_its_batch_harms_nobody() -> None:
    house = House()
    async with house.batcher:
        gone = await hold(house)
        gone.cancel()
        await asyncio.wait([gone])
        house.model.open()
        assert await house.ask("next") == ["NEXT"]
    assert house.batcher.unsettled == 0


async def test_a_text_whose_deadline_passed_in_the_queue_is_never_computed() -> None:
    house = House()
    async with house.batcher:
        first = await hold(house)
        late, patient = house.ask("late", within=10), house.ask("patient", within=50)
        await queued(house, 2)
        house.clock.now += 20
        house.model.open()
        with pytest.raises(DeadlinePassed):
            await late
        assert await asyncio.gather(first, patient) == [["FIRST"], ["PATIENT"]]
    assert house.model.batches == [["first"], ["patient"]]
    assert house.ledger.dropped_texts == {"deadline": 1}


async def test_a_deadline_that_passes_in_the_queue_during_a_batch_is_told_as_one() -> None:
    house = House()
    async with house.batcher:
        first = await hold(house)
        with pytest.raises(DeadlinePassed):
            await house.ask("late", within=0.05)
        house.model.open()
        assert await first == ["FIRST"]
    assert house.ledger.dropped_texts == {"deadline": 1}


async def test_a_deadline_that_passes_during_the_batch_frees_the_caller() -> None:
    house = House()
    async with house.batcher:
        with pytest.raises(DeadlinePassed):
            await house.ask("slow", within=0.05)
        assert house.batcher.unsettled == 0
        house.model.open()


async def test_a_deadline_that_passes_while_the_text_is_encoded_frees_the_caller() -> None:
    house = House(EchoModel(slow_to_read="slow"))
    async with house.batcher:
        with pytest.raises(DeadlinePassed):
            await house.ask("slow", "other", within=0.05)
        assert (house.batcher.unsettled, house.ledger.dropped_texts) == (0, {"deadline": 2})
        house.model.open()
        assert await house.ask("next") == ["NEXT"]
    assert house.model.batches == [["next"]]


async def test_a_deadline_in_the_past_is_not_even_encoded() -> None:
    house = House()
    async with house.batcher:
        with pytest.raises(DeadlinePassed):
            await house.ask("late", within=-1)
    assert house.model.threads == set()


async def test_a_full_queue_refuses_without_waiting_and_without_encoding() -> None:
    house = House(queue_texts=4)
    async with house.batcher:
        first = await hold(house)
        accepted = house.ask("a", "b")
        await queued(house, 2)
        refused = house.batcher.submit(["c", "d"], expires=house.clock.now + 60)
        with pytest.raises(QueueFull) as full:
            refused.send(None)  # The very first step of the coroutine raises: nothing was awaited.
        assert full.value.retry_after_s == 1
        assert house.ledger.refused_texts == 2
        fits = house.ask("e")
        house.model.open()
        assert await asyncio.gather(first, accepted, fits) == [["FIRST"], ["A", "B"], ["E"]]
    assert not any("c" in batch for batch in house.model.batches)


async def test_a_deadline_that_the_queue_cannot_keep_is_refused_at_once() -> None:
    house = House()
    async with house.batcher:
        house.batcher._tokens_per_s = 1.0
        first = await hold(house)
        waiting = house.ask("x" * 40)
        await queued(house, 1)
        with pytest.raises(QueueFull) as full:
            await house.ask("y", within=30)
        assert full.value.retry_after_s == 30
        house.model.open()
        await asyncio.gather(first, waiting)


async def test_a_single_text_is_not_refused_for_the_bulk_work_that_it_overtakes() -> None:
    house = House(batch_texts=1)
    async with house.batcher:
        house.batcher._tokens_per_s = 1.0
        first = await hold(house)
        bulk = house.ask("x" * 20, priority=Priority.BULK)
        await queued(house, 1)
        with pytest.raises(QueueFull):
            await house.ask("more", within=30, priority=Priority.BULK)
        single = house.ask("y", within=30)
        await queued(house, 2)
        house.model.open()
        assert await asyncio.gather(first, bulk, single) == [["FIRST"], ["X" * 20], ["Y"]]


async def test_a_single_text_overtakes_bulk_work() -> None:
    house = House(batch_texts=1)
    async with house.batcher:
        first = await hold(house)
        bulk = house.ask("bulk", "more", priority=Priority.BULK)
        await queued(house, 2)
        single = house.ask("single")
        await queued(house, 3)
        house.model.open()
        await asyncio.gather(first, bulk, single)
    assert house.model.batches == [["first"], ["single"], ["bulk"], ["more"]]
