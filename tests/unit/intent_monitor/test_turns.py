"""Batches take turns: one of a tenant at a time, and none is kept waiting for nothing."""

import asyncio

import pytest

from services.intent.monitor.turns import PATIENCE_S, TooManyBatches, Turns


async def hold(turns: Turns, tenant: str, order: list[str], seconds: float = 0.0) -> None:
    async with turns.turn(tenant):
        order.append(f"{tenant} in")
        await asyncio.sleep(seconds)
        order.append(f"{tenant} out")


async def test_one_batch_of_a_tenant_at_a_time_while_others_go_on() -> None:
    turns, order = Turns(2), list[str]()
    await asyncio.gather(hold(turns, "a", order, 0.02), hold(turns, "a", order, 0.02), hold(turns, "b", order))
    assert order == ["a in", "b in", "b out", "a out", "a in", "a out"]


async def test_a_batch_that_would_wait_too_long_is_refused_with_the_time_to_come_back() -> None:
    turns, order = Turns(2), list[str]()
    while turns.turn_s < PATIENCE_S / 2:
        turns.learn(2 * PATIENCE_S)
    waiting = [asyncio.create_task(hold(turns, "a", order, 0.02)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyBatches) as refused:
        await hold(turns, "a", order)
    assert int(refused.value.headers["Retry-After"]) > PATIENCE_S
    await hold(turns, "b", order)
    await asyncio.gather(*waiting)
    await hold(turns, "a", order)


async def test_a_batch_whose_turn_does_not_come_in_time_is_refused() -> None:
    turns, order = Turns(2, patience_s=0.05), list[str]()
    for _ in range(20):
        turns.learn(0.001)
    slow = asyncio.create_task(hold(turns, "a", order, 0.3))
    await asyncio.sleep(0)
    with pytest.raises(TooManyBatches):
        await hold(turns, "a", order)
    await slow
    await hold(turns, "a", order)
    assert order == ["a in", "a out"] * 2


async def test_a_batch_that_fails_or_is_given_up_makes_room() -> None:
    turns, order = Turns(1), list[str]()
    for failure in (asyncio.CancelledError(), ValueError()):
        with pytest.raises(type(failure)):
            async with turns.turn("a"):
                raise failure
    async with asyncio.timeout(1):
        await hold(turns, "a", order)
