"""A model that fails, and leaving with work under way."""

import asyncio
import gc
from dataclasses import replace

import pytest

from services.intent.serving.computing import Run
from services.intent.serving.failures import BatcherError, Draining, ModelFailed
from services.intent.serving.jobs import Asked, Job
from tests.unit.intent.batching import APPETITE, EchoModel, House, hold, queued, until


async def test_a_model_that_raises_fails_its_batch_and_not_the_next() -> None:
    house = House(EchoModel().open())
    async with house.batcher:
        with pytest.raises(ModelFailed, match="ZeroDivisionError"):
            await house.ask("poison")
        assert await house.ask("fine") == ["FINE"]
    assert house.ledger.dropped_texts == {"model_failed": 1}


async def test_a_model_that_loses_an_answer_is_a_failure_not_a_mix_up() -> None:
    house = House(EchoModel().open())
    async with house.batcher:
        with pytest.raises(ModelFailed, match="ValueError"):
            await house.ask("mute")


@pytest.mark.parametrize("texts", [("a", "lost"), ("lost",)])
async def test_a_model_that_loses_a_text_while_encoding_is_a_failure_not_a_mix_up(texts: tuple[str, ...]) -> None:
    house = House(EchoModel().open())
    async with house.batcher:
        with pytest.raises(ModelFailed, match="encoded of"):
            await house.ask(*texts)
        assert await house.ask("fine") == ["FINE"]
    assert house.batcher.unsettled == 0


@pytest.mark.parametrize("at_once", [0, 100])
async def test_a_model_that_raises_while_encoding_fails_that_request_alone(at_once: int) -> None:
    house = House(EchoModel(appetite=replace(APPETITE, encoded_at_once=at_once)).open())
    async with house.batcher:
        with pytest.raises(ModelFailed, match="LookupError"):
            await house.ask("unreadable", "other")
        assert await house.ask("fine") == ["FINE"]
    assert (house.batcher.unsettled, house.ledger.dropped_texts) == (0, {"model_failed": 2})


@pytest.mark.parametrize("text", ["exit", "over", "unreadable, exit", "unreadable, over"])
async def test_an_error_that_no_future_takes_fails_its_batch_and_ends_no_thread(text: str) -> None:
    house = House(EchoModel().open())
    async with house.batcher:
        with pytest.raises(ModelFailed):
            await house.ask(text)
        assert await house.ask("fine") == ["FINE"]


@pytest.mark.parametrize("pool", ["_encoding", "_computing"])
async def test_where_the_system_gives_no_thread_the_texts_fail_and_hold_up_nobody(pool: str) -> None:
    house = House(EchoModel(appetite=replace(APPETITE, encoded_at_once=100 * (pool == "_computing"))).open())
    async with house.batcher:
        getattr(house.batcher, pool).shutdown()  # submitting raises RuntimeError, as it does where no thread can start
        for text in ("first", "second"):
            with pytest.raises(ModelFailed, match="RuntimeError"):
                await house.ask(text, within=2)
    assert house.ledger.dropped_texts == {"model_failed": 2}
    assert (house.batcher._being_encoded, house.batcher._being_computed, house.batcher._running) == (0, 0, set())


@pytest.mark.parametrize("text", ["poison", "mute", "unreadable", "late"])
async def test_a_request_that_failed_stays_in_no_cycle(text: str) -> None:
    """The collector of a process that serves looks at what is old after many a million objects."""
    house = House(EchoModel() if text == "late" else EchoModel().open())
    gc.collect()
    gc.disable()
    try:
        async with house.batcher:
            with pytest.raises(BatcherError):
                await house.ask(text, within=0.05 if text == "late" else 60)
            house.model.open()
            assert await house.ask("fine") == ["FINE"]
        assert not [each for each in gc.get_objects() if isinstance(each, Asked | Job | Run)]
    finally:
        gc.enable()


async def test_leaving_finishes_what_is_under_way_and_refuses_the_rest() -> None:
    house = House()
    async with house.batcher:
        first = await hold(house)
        second = house.ask("second")
        await queued(house, 1)
        leaving = asyncio.create_task(house.batcher.__aexit__(None, None, None))
        await asyncio.sleep(0)
        with pytest.raises(Draining):
            await house.ask("late")
        house.model.open()
        await leaving
        assert await asyncio.gather(first, second) == [["FIRST"], ["SECOND"]]


async def test_work_that_outlasts_the_drain_is_failed_not_forgotten() -> None:
    house = House(drain_s=0.05)
    async with house.batcher:
        first = await hold(house)
        second = house.ask("second")
        await queued(house, 1)
    for task in (first, second):
        with pytest.raises(Draining):
            await task
    assert house.batcher.unsettled == 0
    house.model.open()


async def test_a_drain_that_is_cancelled_is_given_up_and_leaves_no_thread() -> None:
    house = House()
    first = await hold(house)
    second = house.ask("second")
    await queued(house, 1)
    leaving = asyncio.create_task(house.batcher.__aexit__(None, None, None))
    await asyncio.sleep(0)
    leaving.cancel()
    for task in (first, second):
        with pytest.raises(Draining):
            await task
    assert leaving.cancelled()
    house.model.open()
    threads = [*house.batcher._encoding._threads, *house.batcher._computing._threads]
    await until(lambda: not any(thread.is_alive() for thread in threads))


async def test_what_is_still_being_encoded_when_the_drain_is_given_up_is_failed_too() -> None:
    house = House(EchoModel(slow_to_read="slow"), drain_s=0.05)
    async with house.batcher:
        slow = house.ask("slow")
        behind = house.ask("behind")
        await until(lambda: house.model.threads == {"encode"})
    house.model.open()
    for task in (slow, behind):
        with pytest.raises(Draining):
            await task
    assert (house.batcher.unsettled, house.ledger.dropped_texts) == (0, {"draining": 2})


async def test_a_batch_that_no_thread_has_begun_when_the_drain_is_given_up_is_counted_too() -> None:
    house = House(drain_s=0.05)
    house.batcher._computing.submit(house.model.gate.wait)
    async with house.batcher:
        waits = house.ask("waits")
        await until(lambda: len(house.batcher._running) == 1)
    with pytest.raises(Draining):
        await waits
    house.model.open()
    await until(lambda: not house.batcher._running)
    assert (house.batcher._being_computed, len(house.ledger.reports)) == (0, 1)
