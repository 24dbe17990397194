"""The gate of a section: breaker, bulkhead, and probes that cost their caller nothing."""

import asyncio
import time

import pytest

from services.gateway.gate import CircuitOpen, Gate
from services.gateway.retry import RetryBudget
from services.kit.http import BackendInvalid, BackendRefused, BackendTimeout, BackendUnavailable
from services.kit.resilience import Breaker, Bulkhead, BulkheadFull, Deadline


async def good(_):
    return "answer"


async def silent(until):
    await asyncio.sleep(until.remaining())
    raise BackendTimeout("b", "deadline")


async def refused(_):
    raise BackendUnavailable("b", "refused")


def within(seconds=1.0):
    return Deadline.after_ms(seconds * 1000)


@pytest.fixture
def clock():
    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    return Clock()


@pytest.fixture
async def gate(clock, unhurried):
    gate = make(clock, RetryBudget(share=0, reserve=0))
    yield gate
    await gate.close()


def make(clock, retries, *, idempotent=True):
    breaker = Breaker(minimum=3, pause_s=1, clock=clock)
    return Gate(breaker=breaker, bulkhead=Bulkhead(2), fair_budget_s=0.05, retries=retries, idempotent=idempotent)


async def opened(gate):
    for _ in range(3):
        with pytest.raises(BackendUnavailable):
            await gate.ask(refused, within())


async def test_a_timeout_after_a_fair_budget_counts(gate):
    for _ in range(3):
        with pytest.raises(BackendTimeout):
            await gate.ask(silent, within(0.06))
    with pytest.raises(CircuitOpen):
        await gate.ask(good, within())


async def test_a_timeout_after_too_little_time_does_not_count(gate):
    for _ in range(10):
        with pytest.raises(BackendTimeout):
            await gate.ask(silent, within(0.01))
    assert await gate.ask(good, within()) == "answer"


async def test_the_breaker_opens_after_failures_and_asks_no_more(gate):
    await opened(gate)
    with pytest.raises(CircuitOpen):
        await gate.ask(good, within())


@pytest.mark.parametrize("error", [BackendInvalid("b", "shape"), BackendRefused("b", 500, "internal_error", "")])
async def test_garbage_and_server_errors_count_as_failures(gate, error):
    async def fail(_):
        raise error

    for _ in range(3):
        with pytest.raises(type(error)):
            await gate.ask(fail, within())
    with pytest.raises(CircuitOpen):
        await gate.ask(good, within())


async def test_refusals_of_the_request_do_not_count(gate):
    async def unprocessable(_):
        raise BackendRefused("b", 422, "invalid_request", "")

    for _ in range(10):
        with pytest.raises(BackendRefused):
            await gate.ask(unprocessable, within())
    assert await gate.ask(good, within()) == "answer"


async def test_a_probe_that_succeeds_answers_its_caller_and_closes_the_breaker(gate, clock):
    await opened(gate)
    clock.now = 1.5
    assert await gate.ask(good, within()) == "answer"
    assert await gate.ask(good, within()) == "answer"


async def test_a_probe_of_a_silent_back_end_is_not_waited_for(gate, clock):
    await opened(gate)
    clock.now = 1.5
    started = time.monotonic()
    with pytest.raises(CircuitOpen):
        await gate.ask(silent, within())
    assert time.monotonic() - started < 0.1  # its deadline was a second


async def test_a_probe_goes_on_after_its_caller_left_and_closes_the_breaker(gate, clock):
    async def slow(_):
        await asyncio.sleep(0.15)

    await opened(gate)
    clock.now = 1.5
    with pytest.raises(CircuitOpen):
        await gate.ask(slow, within())
    await asyncio.sleep(0.2)
    assert await gate.ask(good, within()) == "answer"


async def test_only_one_call_probes_at_a_time(gate, clock):
    asked = []

    async def counting(_):
        asked.append(1)
        await asyncio.sleep(60)

    await opened(gate)
    clock.now = 1.5
    outcomes = await asyncio.gather(*(gate.ask(counting, within()) for _ in range(5)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [CircuitOpen] * 5
    assert len(asked) == 1


async def test_a_caller_with_too_little_time_does_not_probe(gate, clock):
    await opened(gate)
    clock.now = 1.5
    with pytest.raises(CircuitOpen):
        await gate.ask(good, within(0.01))


async def test_the_bulkhead_refuses_the_call_that_is_one_too_many(gate):
    waiting = [asyncio.create_task(gate.ask(silent, within())) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(BulkheadFull):
        await gate.ask(good, within())
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert await gate.ask(good, within()) == "answer"


async def test_closing_ends_the_probes(gate, clock):
    await opened(gate)
    clock.now = 1.5
    with pytest.raises(CircuitOpen):
        await gate.ask(silent, within(30))
    await gate.close()
    assert [task for task in asyncio.all_tasks() if "_try" in repr(task.get_coro())] == []


class RefusedOnce:
    """A back end whose process was just replaced."""

    def __init__(self):
        self.calls = 0

    async def __call__(self, _):
        self.calls += 1
        if self.calls == 1:
            raise BackendUnavailable("b", "refused")
        return "answer"


async def test_a_refused_call_is_tried_once_more_within_the_budget(clock):
    call = RefusedOnce()
    assert await make(clock, RetryBudget(share=0.1)).ask(call, within()) == "answer"
    assert call.calls == 2


async def test_what_has_effects_is_not_tried_again(clock):
    call = RefusedOnce()
    with pytest.raises(BackendUnavailable):
        await make(clock, RetryBudget(share=0.1), idempotent=False).ask(call, within())
    assert call.calls == 1
