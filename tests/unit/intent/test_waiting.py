"""The queue: the budget is never exceeded, nobody starves, the late are dropped."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from services.intent.model import Appetite
from services.intent.serving.waiting import Limits, Priority, Waiting

LIMITS = Limits(token_budget=100, batch_cost=20, batch_texts=8, window_texts=16, bulk_delay_s=1.0)


@dataclass(eq=False)
class Text:
    tokens: int
    arrived: float = 0.0
    expires: float = 1_000.0
    priority: Priority = Priority.INTERACTIVE


def queue_of(texts: Sequence[Text], limits: Limits = LIMITS) -> Waiting[Text]:
    waiting: Waiting[Text] = Waiting(limits)
    for text in texts:
        waiting.add(text)
    return waiting


texts = st.lists(
    st.builds(
        Text,
        tokens=st.integers(1, 120),
        expires=st.sampled_from([5.0, 1_000.0]),
        priority=st.sampled_from(Priority),
    ),
    max_size=60,
)


@given(texts)
def test_every_text_leaves_exactly_once_in_a_batch_within_the_limits(given_texts: list[Text]) -> None:
    waiting = queue_of(given_texts)
    left: list[Text] = []
    while len(waiting):
        taken = waiting.take(now=10.0)
        lengths = [text.tokens for text in taken.batch]
        assert lengths == sorted(lengths)
        assert len(lengths) <= LIMITS.batch_texts
        assert len(lengths) == 1 or max(lengths, default=0) * len(lengths) <= LIMITS.token_budget
        assert all(text.expires <= 10.0 for text in taken.expired)
        assert all(text.expires > 10.0 for text in taken.batch)
        assert taken.batch or taken.expired
        left += taken.batch + taken.expired
    assert sorted(map(id, left)) == sorted(map(id, given_texts))
    assert waiting.tokens_ahead(Priority.BULK, now=0.0) == 0


@given(texts.filter(bool))
def test_whoever_is_due_first_is_in_the_next_batch(given_texts: list[Text]) -> None:
    for moment, text in enumerate(given_texts):
        text.arrived, text.expires = moment / 10, 1_000.0
    first = min(given_texts, key=lambda text: text.arrived + (1.0 if text.priority is Priority.BULK else 0.0))
    assert first in queue_of(given_texts).take(now=10.0).batch


def test_a_batch_takes_the_nearest_lengths_not_the_next_in_line() -> None:
    lengths = [10, 90, 11, 50, 9, 12]
    batch = queue_of([Text(tokens) for tokens in lengths]).take(now=0.0).batch
    assert [text.tokens for text in batch] == [9, 10, 11, 12]


def test_a_text_that_would_cost_more_in_padding_than_it_saves_waits_for_its_like() -> None:
    lengths = [4, 4, 4, 20]
    assert [each.tokens for each in queue_of([Text(tokens) for tokens in lengths]).take(now=0.0).batch] == [4, 4, 4]
    dear = Limits(token_budget=100, batch_cost=60)
    assert len(queue_of([Text(tokens) for tokens in lengths], dear).take(now=0.0).batch) == 4


def test_what_goes_before_a_text_is_what_is_due_before_it() -> None:
    overdue, bulk = (Text(30, arrived=moment, priority=Priority.BULK) for moment in (0.0, 5.0))
    waiting = queue_of([overdue, bulk, Text(7, arrived=5.0)])
    assert waiting.tokens_ahead(Priority.INTERACTIVE, now=5.5) == 37
    assert waiting.tokens_ahead(Priority.BULK, now=5.5) == 67


def test_limits_that_name_no_size_take_the_model_s() -> None:
    assert Limits().suiting(Appetite(256, 10)) == Limits(token_budget=256, batch_cost=10)
    assert Limits(token_budget=64).suiting(Appetite(256, 10)) == Limits(token_budget=64, batch_cost=10)


def test_bulk_work_is_overtaken_but_only_for_a_while() -> None:
    limits = Limits(token_budget=10, batch_texts=1, bulk_delay_s=1.0)
    bulk = Text(10, arrived=0.0, priority=Priority.BULK)
    soon, late = Text(10, arrived=0.5), Text(10, arrived=1.5)
    waiting = queue_of([bulk, soon, late], limits)
    assert [waiting.take(now=2.0).batch for _ in range(3)] == [[soon], [bulk], [late]]


def test_a_text_whose_caller_has_gone_is_forgotten_once() -> None:
    gone, stays = Text(10), Text(10)
    waiting = queue_of([gone, stays])
    assert waiting.discard(gone) is True
    assert waiting.discard(gone) is False
    assert waiting.tokens_ahead(Priority.BULK, now=0.0) == 10
    assert waiting.take(now=0.0).batch == [stays]


def test_a_text_over_the_budget_is_computed_alone() -> None:
    long = Text(101)
    assert queue_of([long, Text(101), Text(100)]).take(now=0.0).batch == [long]
