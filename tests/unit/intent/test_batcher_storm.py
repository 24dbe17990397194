"""Everything at once: callers who leave, deadlines, a model that fails at each of its verbs, and an end amid all that."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from services.intent.serving.batcher import Batcher
from services.intent.serving.failures import BatcherError
from services.intent.serving.waiting import Limits, Priority
from tests.unit.intent.batching import APPETITE, EchoModel, Encoded, Ledger, until

REQUESTS = 300
FAULTS = ("unreadable", "unreadable, over", "unreadable, exit", "lost", "poison", "exit", "over", "mute")
LIMITS = Limits(batch_texts=8, queue_texts=64, window_texts=16, bulk_delay_s=0.002)


@dataclass
class Unsteady(EchoModel):
    """Takes a while, now and then."""

    dice: random.Random = field(default_factory=random.Random)

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        time.sleep(self.dice.choice((0, 0, 0.001)))
        return super().encode(texts)

    def run(self, batch: Sequence[Encoded]) -> list[str]:
        time.sleep(self.dice.uniform(0, 0.003))
        return super().run(batch)


@dataclass
class Tallied(Ledger):
    """Knows how many texts were taken in."""

    taken_in: int = 0

    def pending(self, texts: int) -> None:
        self.taken_in += max(0, texts - self.pending_texts)
        super().pending(texts)


async def ask(
    batcher: Batcher[Encoded, list[str], str], dice: random.Random, number: int, faults: Sequence[str]
) -> None:
    """A request of random size, patience and priority, now and then with a text that the model fails on."""
    texts = [f"{number}, {place}" + "x" * dice.randrange(10) for place in range(dice.choice((0, 1, 1, 1, 2, 5, 9)))]
    if texts and dice.random() < 0.1:
        texts[dice.randrange(len(texts))] = dice.choice(faults)
    expires = time.monotonic() + dice.choice((0.0005, 0.002, 0.005, 0.02, 60, 60))
    try:
        answers = await batcher.submit(texts, expires=expires, priority=dice.choice(list(Priority)))
    except BatcherError:
        return
    assert answers == [text.upper() for text in texts]


async def leave(task: "asyncio.Task[None]", after: float) -> None:
    await asyncio.sleep(after)
    task.cancel()


@pytest.mark.parametrize("drain_s", [0.0, 5.0])
@pytest.mark.parametrize("encoded_at_once", [0, 12, 1_000])
async def test_after_a_storm_everybody_has_an_answer_and_nothing_is_left(drain_s: float, encoded_at_once: int) -> None:
    dice, ledger, troubles = random.Random(encoded_at_once), Tallied(), []
    asyncio.get_running_loop().set_exception_handler(lambda _, trouble: troubles.append(trouble))
    model = Unsteady(appetite=replace(APPETITE, encoded_at_once=encoded_at_once), dice=dice).open()
    faults = [
        fault for fault in FAULTS if not (encoded_at_once and "unreadable, exit" in fault)
    ]  # it would end the loop
    tasks = []
    async with Batcher(model, ledger, limits=LIMITS, runners=2, drain_s=drain_s) as batcher:
        for number in range(REQUESTS):
            asking = asyncio.create_task(ask(batcher, dice, number, faults))
            tasks.append(asking)
            if dice.random() < 0.3:
                tasks.append(asyncio.create_task(leave(asking, dice.choice((0, 0.001, 0.004)) * dice.random())))
            await asyncio.sleep(dice.choice((0, 0.001)))
    async with asyncio.timeout(10):
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    await until(lambda: not batcher._running)
    assert {type(end) for end in ends} == {type(None), asyncio.CancelledError}
    assert (batcher.unsettled, ledger.pending_texts, batcher._being_encoded, batcher._being_computed) == (0, 0, 0, 0)
    assert (len(batcher._waiting), set(batcher._waiting._tokens.values())) == (0, {0})
    computed = sum(len(report.queue_s) for report in ledger.reports)
    assert computed + ledger.dropped_texts.total() == ledger.taken_in
    assert troubles == []
