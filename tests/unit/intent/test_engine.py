"""The engine: the cache, what is counted, what a swap leaves alone."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from services.intent.serving.desired import Desired
from services.intent.serving.engine import Engine, NoModel
from services.intent.serving.failures import DeadlinePassed, ModelFailed
from services.intent.serving.registry import Registry
from services.intent.serving.waiting import Priority
from tests.unit.intent.fakes import Notes, Shelf, Version

OpenRegistry = Callable[[Shelf], AbstractAsyncContextManager[Registry]]
LATER = float("inf")


async def ask(engine: Engine, *texts: str, tenant: str = "t", expires: float = LATER) -> list[str]:
    answered = await engine.understand(texts, tenant=tenant, expires=expires, priority=Priority.INTERACTIVE)
    return [result.label for result in answered.results]


async def test_without_a_model_nothing_is_understood(engine: Engine) -> None:
    with pytest.raises(NoModel):
        await ask(engine, "你好")


async def test_what_was_answered_before_is_not_computed_again(
    engine: Engine, notes: Notes, open_registry: OpenRegistry
) -> None:
    model = Version("a")
    async with open_registry(Shelf.of(model)) as registry:
        await registry.towards(Desired())
        model.seen.clear()
        assert await ask(engine, "你好", "谢谢", "你好") == ["greeting", "thanks_bye", "greeting"]
        assert await ask(engine, "谢谢", "转人工") == ["thanks_bye", "human.agent"]
    assert model.seen == ["你好", "谢谢", "转人工"]
    assert (notes.hits, notes.misses, notes.successes) == (2, 3, 2)


async def test_a_tenant_does_not_see_what_another_has_asked(engine: Engine, open_registry: OpenRegistry) -> None:
    model = Version("a")
    async with open_registry(Shelf.of(model)) as registry:
        await registry.towards(Desired())
        model.seen.clear()
        await ask(engine, "你好", tenant="a")
        await ask(engine, "你好", tenant="b")
    assert model.seen == ["你好", "你好"]


async def test_requests_that_fail_are_counted_by_their_reason(
    engine: Engine, notes: Notes, open_registry: OpenRegistry
) -> None:
    model = Version("a")
    async with open_registry(Shelf.of(model)) as registry:
        await registry.towards(Desired())
        with pytest.raises(DeadlinePassed):
            await ask(engine, "你好", expires=0.0)
        gone = asyncio.create_task(ask(engine, "wait"))
        await asyncio.to_thread(model.entered.wait, 60)
        gone.cancel()
        await asyncio.wait([gone])
        model.gate.set()
        model.run = lambda batch: 1 / 0  # type: ignore[method-assign, assignment]
        with pytest.raises(ModelFailed):
            await ask(engine, "谢谢")
    assert notes.failures == ["deadline", "caller_gone", "model_failed"]
    assert notes.successes == 0
