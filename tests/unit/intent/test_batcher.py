"""The batching engine with a model that does as it is told, and a clock that is set by hand."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intent.model import Appetite
from services.intent.serving.batcher import (
    Batcher,
    BatchReport,
    DeadlinePassed,
    Draining,
    ModelFailed,
    QueueFull,
)
from services.intent.serving.waiting import Limits, Priority


@dataclass(frozen=True)
class Encoded:
    text: str

    @property
    def tokens(self) -> int:
        return max(1, len(self.text))


APPETITE = Appetite(token_budget=100, batch_cost=100)


@dataclass
class EchoModel:
    """Answers every text with itself in capitals. `gate` holds `run` back; `batches` is what ran."""

    name: str = "echo"
    version: str = "1"
    appetite: Appetite = APPETITE
    gate: threading.Event = field(default_factory=threading.Event)
    batches: list[list[str]] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)

    def open(self) -> "EchoModel":
        self.gate.set()
        return self

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        self.threads.add(threading.current_thread().name.split("_")[0])
        if "unreadable" in texts:
            raise LookupError
        return [Encoded(text) for text in texts if text != "lost"]

    def run(self, batch: Sequence[Encoded]) -> list[str]:
        self.threads.add(threading.current_thread().name.split("_")[0])
        self.batches.append([each.text for each in batch])
        if "poison" in self.batches[-1]:
            raise ZeroDivisionError
        if "exit" in self.batches[-1]:
            raise SystemExit
        if "over" in self.batches[-1]:
            raise StopIteration
        assert self.gate.wait(60)
        return [each.text for each in batch]

    def decode(self, logits: list[str]) -> list[str]:
        return [] if "mute" in logits else [text.upper() for text in logits]


@dataclass
class Ledger:
    """Remembers what the batcher told."""

    reports: list[BatchReport] = field(default_factory=list)
    dropped_texts: Counter[str] = field(default_factory=Counter)
    refused_texts: int = 0
    pending_texts: int = 0

    def pending(self, texts: int) -> None:
        self.pending_texts = texts

    def encoded(self, seconds: float) -> None:
        assert seconds >= 0

    def computed(self, report: BatchReport) -> None:
        self.reports.append(report)

    def refused(self, texts: int) -> None:
        self.refused_texts += texts

    def dropped(self, texts: int, reason: str) -> None:
        self.dropped_texts[reason] += texts


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


class House:
    """A batcher with its model, ledger and clock."""

    def __init__(
        self, model: EchoModel | None = None, *, drain_s: float = 5.0, yielding: bool = False, **limits: int
    ) -> None:
        self.model = model or EchoModel()
        self.ledger = Ledger()
        self.clock = Clock()
        sizes = {"token_budget": 100, "batch_texts": 8, "queue_texts": 16} | limits
        self.batcher = Batcher(
            self.model,
            self.ledger,
            limits=Limits(**sizes),
            drain_s=drain_s,
            yielding=yielding,
            clock=self.clock,
            encoders=1,
        )

    def ask(
        self, *texts: str, within: float = 60.0, priority: Priority = Priority.INTERACTIVE
    ) -> "asyncio.Task[list[str]]":
        return asyncio.create_task(self.batcher.submit(texts, expires=self.clock.now + within, priority=priority))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


async def hold(house: House, text: str = "first") -> "asyncio.Task[list[str]]":
    """A request that occupies the model until its gate opens."""
    task = house.ask(text)
    await until(lambda: [text] in house.model.batches)
    return task


async def queued(house: House, texts: int) -> None:
    """Wait until `texts` texts stand in the queue behind the one that is computed."""
    await until(lambda: len(house.batcher._waiting) == texts)


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.lists(st.text("abc", min_size=1, max_size=20), max_size=6), st.sampled_from(Priority)), max_size=12
    )
)
def test_every_caller_gets_the_answers_to_its_own_texts(requests: list[tuple[list[str], Priority]]) -> None:
    async def run() -> None:
        house = House(EchoModel().open(), queue_texts=1_000)
        async with house.batcher:
            tasks = [house.ask(*texts, priority=priority) for texts, priority in requests]
            assert await asyncio.gather(*tasks) == [[text.upper() for text in texts] for texts, _ in requests]
        for batch in house.model.batches:
            assert max(map(len, batch)) * len(batch) <= 100
            assert len(batch) <= 8
        assert house.batcher.unsettled == house.ledger.pending_texts == len(house.batcher._waiting) == 0

    asyncio.run(run())


async def test_what_arrives_during_a_batch_makes_the_next_one() -> None:
    house = House()
    async with house.batcher:
        first = await hold(house)
        others = [house.ask(text) for text in ("ccc", "a", "bb")]
        await queued(house, 3)
        house.model.open()
        assert await asyncio.gather(first, *others) == [["FIRST"], ["CCC"], ["A"], ["BB"]]
    assert house.model.batches == [["first"], ["a", "bb", "ccc"]]
    assert [report.tokens for report in house.ledger.reports] == [5, 6]
    assert [report.padded_tokens for report in house.ledger.reports] == [5, 9]


async def test_neither_encoding_nor_computing_runs_on_the_event_loop_unless_the_model_says_so() -> None:
    house = House(EchoModel().open())
    async with house.batcher:
        await house.ask("a")
    assert house.model.threads == {"encode", "compute"}


async def test_little_is_encoded_where_it_arrives_and_much_on_threads() -> None:
    """Counted in bytes, since a Chinese character takes about as long as three Latin ones."""
    house = House(EchoModel(appetite=Appetite(100, 100, encoded_at_once=6)).open())
    async with house.batcher:
        assert await house.ask("保险") == ["保险"]
        assert await house.ask("abc", "de") == ["ABC", "DE"]
        assert house.model.threads == {"MainThread", "compute"}
        house.model.threads.clear()
        assert await house.ask("保险?") == ["保险?"]
    assert house.model.threads == {"encode", "compute"}


async def test_what_yields_encodes_nothing_where_it_arrives() -> None:
    house = House(EchoModel(appetite=Appetite(100, 100, encoded_at_once=6)).open(), yielding=True)
    async with house.batcher:
        assert await house.ask("a") == ["A"]
    assert house.model.threads == {"encode", "compute"}


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


@pytest.mark.parametrize("text", ["exit", "over"])
async def test_an_error_that_no_future_takes_fails_its_batch_and_ends_no_runner(text: str) -> None:
    house = House(EchoModel().open())
    async with house.batcher:
        with pytest.raises(ModelFailed):
            await house.ask(text)
        assert await house.ask("fine") == ["FINE"]


async def test_warm_up_goes_through_all_verbs_alone_and_as_a_batch() -> None:
    house = House(EchoModel().open())
    async with house.batcher:
        assert await house.batcher.warm_up(["ccc", "a"]) == ["A", "CCC"]
    assert house.model.batches == [["ccc"], ["a", "ccc"]]
    assert house.ledger.reports == []


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
