"""The engine: loading, readiness, the cache."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from services.intent.lexical.keyword import KeywordModel, Scores, Spoken
from services.intent.lexical.lexicon import CorruptLexicon
from services.intent.serving.batcher import BatchReport
from services.intent.serving.engine import Engine, EngineConfig, NoModel
from services.intent.serving.waiting import Limits, Priority

CONFIG = EngineConfig(Limits(), encoders=1, runners=1, drain_s=1.0, cache_answers=100)
LATER = float("inf")


class CountingModel(KeywordModel):
    """The keyword model, counting the texts that reach it; warm-up is not counted."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def encode(self, texts: Sequence[str]) -> list[Spoken]:
        self.seen += texts
        return super().encode(texts)


class BrokenModel(KeywordModel):
    def run(self, batch: Sequence[Spoken]) -> Scores:
        raise CorruptLexicon("broken")


@dataclass
class Lookups:
    hits: int = 0
    misses: int = 0
    reports: list[BatchReport] = field(default_factory=list)

    def looked_up(self, *, hits: int, misses: int) -> None:
        self.hits += hits
        self.misses += misses

    def computed(self, report: BatchReport) -> None:
        self.reports.append(report)

    def pending(self, texts: int) -> None: ...
    def encoded(self, seconds: float) -> None: ...
    def refused(self, texts: int) -> None: ...
    def dropped(self, texts: int, reason: str) -> None: ...


async def settled(engine: Engine) -> list[str]:
    async with asyncio.timeout(5):
        while engine.not_ready() == ["model_loading"]:
            await asyncio.sleep(0.005)
    return engine.not_ready()


async def ask(engine: Engine, *texts: str, tenant: str = "t") -> list[str]:
    answered = await engine.understand(texts, tenant=tenant, expires=LATER, priority=Priority.INTERACTIVE)
    return [result.label for result in answered.results]


async def test_it_is_not_ready_until_the_model_is_loaded_and_warm() -> None:
    loaded = threading.Event()

    def load() -> KeywordModel:
        assert loaded.wait(5)
        return KeywordModel()

    async with Engine(load, lambda *_: Lookups(), CONFIG) as engine:
        assert engine.not_ready() == ["model_loading"]
        with pytest.raises(NoModel):
            await ask(engine, "你好")
        loaded.set()
        assert await settled(engine) == []
        assert await ask(engine, "你好") == ["greeting"]
    assert engine.not_ready() == ["draining"]


async def test_a_model_that_fails_to_warm_up_is_never_served() -> None:
    async with Engine(BrokenModel, lambda *_: Lookups(), CONFIG) as engine:
        assert await settled(engine) == ["model_failed_to_load: CorruptLexicon"]
        with pytest.raises(NoModel):
            await ask(engine, "你好")


async def test_what_was_answered_before_is_not_computed_again() -> None:
    model, lookups = CountingModel(), Lookups()
    async with Engine(lambda: model, lambda *_: lookups, CONFIG) as engine:
        assert await settled(engine) == []
        model.seen.clear()
        assert await ask(engine, "你好", "谢谢", "你好") == ["greeting", "thanks_bye", "greeting"]
        assert await ask(engine, "谢谢", "转人工") == ["thanks_bye", "human.agent"]
    assert model.seen == ["你好", "谢谢", "转人工"]
    assert (lookups.hits, lookups.misses) == (2, 3)


async def test_a_tenant_does_not_see_what_another_has_asked() -> None:
    model = CountingModel()
    async with Engine(lambda: model, lambda *_: Lookups(), CONFIG) as engine:
        assert await settled(engine) == []
        model.seen.clear()
        await ask(engine, "你好", tenant="a")
        await ask(engine, "你好", tenant="b")
    assert model.seen == ["你好", "你好"]
