"""The batching engine with a model that does as it is told, and a clock that is set by hand."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from services.intent.model import Appetite
from services.intent.serving.waiting import Priority
from tests.unit.intent.batching import EchoModel, House, hold, queued


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


async def test_warm_up_goes_through_all_verbs_alone_and_as_a_batch() -> None:
    house = House(EchoModel().open())
    async with house.batcher:
        assert await house.batcher.warm_up(["ccc", "a"]) == ["A", "CCC"]
    assert house.model.batches == [["ccc"], ["a", "ccc"]]
    assert house.ledger.reports == []
