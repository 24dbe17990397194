"""Texts of which logits are asked for too: one queue with all others, common batches, one bound."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from services.intent.lexical.keyword import Scores, Spoken
from services.intent.serving.desired import Desired, Wish
from services.intent.serving.engine import Engine
from services.intent.serving.failures import QueueFull
from services.intent.serving.raw import Rows
from services.intent.serving.registry import Registry
from services.intent.serving.waiting import Limits, Priority
from tests.unit.intent.conftest import SIZES
from tests.unit.intent.fakes import Notes, Shelf, Version

LATER = float("inf")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Showing(Version):
    """Shows the place of each text in its batch; `batches` is what ran, with what is to be shown or without."""

    def __init__(self, version: str) -> None:
        super().__init__(version)
        self.batches: list[tuple[str, int]] = []

    @property
    def raw_outputs(self) -> dict[str, int]:
        return {"place": 1}

    def run(self, batch: Sequence[Spoken]) -> Scores:
        self.batches.append(("plain", len(batch)))
        return super().run(batch)

    def run_raw(self, batch: Sequence[Spoken]) -> Scores:
        self.batches.append(("raw", len(batch)))
        return super().run(batch)

    def raw(self, logits: Scores) -> list[Rows]:
        return [{"place": np.array([place], dtype=np.float32)} for place, _ in enumerate(self.decode(logits))]


async def ask(engine: Engine, *texts: str) -> list[str]:
    answered = await engine.understand(texts, tenant="t", expires=LATER, priority=Priority.BULK)
    return [each.label for each in answered.results]


async def ask_raw(engine: Engine, *texts: str) -> list[tuple[str, list[str]]]:
    shown = await engine.ask_raw(engine.serving, texts, expires=LATER, priority=Priority.BULK)
    return [(each.said.label, list(each.rows)) for each in shown]


async def begun(asked: asyncio.Task[list[str]], model: Version) -> None:
    assert await asyncio.to_thread(model.entered.wait, 60)
    assert not asked.done()


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not reached():
            await asyncio.sleep(0.002)


async def test_texts_to_be_shown_share_their_batch_with_others(engine: Engine, notes: Notes) -> None:
    model = Showing("a")
    async with Registry(engine, Shelf.of(model), notes, SIZES) as registry:
        await registry.towards(Desired())
        model.batches.clear()
        first = asyncio.create_task(ask(engine, "wait"))
        await begun(first, model)
        shown = asyncio.create_task(ask_raw(engine, "你好", "谢谢"))
        said = asyncio.create_task(ask(engine, "转人工"))
        await until(lambda: notes.encodings == 3)
        model.gate.set()
        assert await shown == [("greeting", ["place"]), ("thanks_bye", ["place"])]
        assert await said == ["human.agent"]
        await first
    assert model.batches == [("plain", 1), ("raw", 3)]


@pytest.mark.parametrize("first_is_shown", [False, True])
async def test_one_bound_holds_for_both_kinds(engine: Engine, notes: Notes, first_is_shown: bool) -> None:
    model = Showing("a")
    sizes = replace(SIZES, limits=Limits(queue_texts=3))
    async with Registry(engine, Shelf.of(model), notes, sizes) as registry:
        await registry.towards(Desired())
        holding = asyncio.create_task(ask(engine, "wait"))
        await begun(holding, model)
        one, other = (ask_raw, ask) if first_is_shown else (ask, ask_raw)
        waiting = asyncio.create_task(one(engine, "你好", "谢谢"))
        await until(lambda: engine.serving.batcher.unsettled == 3)
        with pytest.raises(QueueFull):
            await other(engine, "转人工")
        model.gate.set()
        assert len(await waiting) == 2
        await holding
    assert notes.failures == ["queue_full"]


async def test_a_shadow_sees_what_such_texts_say_and_not_those_asked_of_a_version_by_name(
    engine: Engine, notes: Notes
) -> None:
    shelf = Shelf.of(Showing("a"), Showing("b"))
    async with Registry(engine, shelf, notes, SIZES) as registry:
        await registry.towards(
            Desired({"a": Wish("serving", NOON, "ops"), "b": Wish("shadow", NOON, "ops", share=1.0)})
        )
        await engine.ask_raw(registry.at_work("b"), ["谢谢"], expires=LATER, priority=Priority.BULK)
        await ask_raw(engine, "你好")
        await until(lambda: bool(notes.agreements))
    assert [(against, agreement.texts, agreement.same_label) for against, _, agreement in notes.agreements] == [
        ("a", 1, 1)
    ]
