"""A shadow: what it looks at, what it says, and that nobody waits for it."""

import asyncio
from collections.abc import Sequence

import pytest

from services.intent.lexical.keyword import Spoken
from services.intent.model import Opinion, Understanding
from services.intent.serving.agreement import Agreement, Tally, language_of
from services.intent.serving.batcher import Batcher
from services.intent.serving.shadow import QUEUE_TEXTS, Shadow
from tests.unit.intent.fakes import Broken, Notes, Served, Shadowing, Version


def said(label: str, confidence: float = 0.5) -> Understanding:
    return Understanding(label, confidence, True, "neutral", (), 0.25, Opinion("other", 0.5, 0.1))


def shadow_of(model: Version, notes: Notes, *, share: float = 1.0, draws: list[float] | None = None) -> Shadow:
    batcher = Batcher(model, Served(notes), drain_s=0.0, yielding=True)
    drawn = iter(draws or [])
    return Shadow(batcher, Shadowing(notes), share=share, draw=lambda: next(drawn, 0.0))


async def until(notes: Notes, compared: int) -> None:
    async with asyncio.timeout(60):
        while len(notes.agreements) < compared:
            await asyncio.sleep(0.002)


async def test_it_compares_what_served_with_what_it_says_itself(notes: Notes) -> None:
    async with shadow_of(Version("b", label="greeting"), notes) as shadow:
        shadow.offer(["你好", "bye"], [said("greeting"), said("thanks_bye")], version="a")
        await until(notes, 2)
    (against, language, same), (_, other_language, other) = notes.agreements
    assert (against, language, other_language) == ("a", "zh", "en")
    assert (same.texts, same.same_label, other.same_label) == (1, 1, 0)


async def test_it_looks_at_its_share(notes: Notes) -> None:
    model = Version("b")
    async with shadow_of(model, notes, share=0.5, draws=[0.49, 0.5, 0.1, 0.99]) as shadow:
        shadow.offer(["a", "b", "c", "d"], [said("greeting")] * 4, version="a")
        await until(notes, 2)
    assert model.seen == ["a", "c"]


async def test_what_finds_its_queue_full_is_dropped_at_once(notes: Notes) -> None:
    model = Version("b")
    async with shadow_of(model, notes) as shadow:
        shadow.offer(["wait"], [said("greeting")], version="a")
        await asyncio.to_thread(model.entered.wait, 60)
        shadow.offer(["more"] * (QUEUE_TEXTS + 5), [said("greeting")] * (QUEUE_TEXTS + 5), version="a")
        assert notes.shadow_dropped == 5
        model.gate.set()
        await until(notes, QUEUE_TEXTS + 1)


class Unreading(Version):
    """Fails before it computes."""

    def encode(self, texts: Sequence[str]) -> list[Spoken]:
        raise LookupError


@pytest.mark.parametrize("model", [Broken("b"), Unreading("b")])
async def test_a_shadow_that_fails_is_counted_and_goes_on(notes: Notes, model: Version) -> None:
    async with shadow_of(model, notes) as shadow:
        for _ in range(2):
            shadow.offer(["你好"], [said("greeting")], version="a")
            failed = notes.shadow_failed
            async with asyncio.timeout(60):
                while notes.shadow_failed == failed:
                    await asyncio.sleep(0.002)
    assert (notes.shadow_failed, notes.agreements) == (2, [])


async def test_its_end_waits_for_the_batch_under_way_and_for_nothing_else(notes: Notes) -> None:
    model = Version("b")
    shadow = await shadow_of(model, notes).__aenter__()
    shadow.offer(["wait"], [said("greeting")], version="a")
    await asyncio.to_thread(model.entered.wait, 60)
    shadow.offer(["more"], [said("greeting")], version="a")
    ending = asyncio.create_task(shadow.__aexit__(None, None, None))
    model.gate.set()
    await ending
    assert notes.agreements == []
    assert model.seen == ["wait"]


def test_agreements_add() -> None:
    one = Agreement.of(said("greeting", 0.75), said("greeting", 0.5))
    other = Agreement.of(said("greeting", 0.5), said("thanks_bye", 0.625))
    assert one + other == Agreement(
        texts=2, same_label=1, same_scope=2, same_sentiment=2, confidence_gap=0.375, purchase_gap=0.0
    )


def test_a_tally_is_empty_once_it_was_taken() -> None:
    tally, same = Tally(), Agreement(texts=1, same_label=1)
    tally.add(("b", "a", "zh"), same)
    tally.add(("b", "a", "zh"), same)
    assert tally.take() == {("b", "a", "zh"): Agreement(texts=2, same_label=2)}
    assert tally.take() == {}


@pytest.mark.parametrize(
    ("text", "language"), [("退款", "zh"), ("refund 退款 please", "zh"), ("refund", "en"), ("😀 123", "en")]
)
def test_the_language_of_a_text(text: str, language: str) -> None:
    assert language_of(text) == language
