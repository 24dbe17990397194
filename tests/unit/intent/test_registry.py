"""The registry of one process: loading before serving, swaps, retirement."""

import asyncio
import threading

import pytest

from services.intent.serving.desired import Desired, Wish
from services.intent.serving.engine import Engine, NoModel
from tests.unit.intent.fakes import Broken, Notes, Shelf, Version
from tests.unit.intent.registering import NOON, OpenRegistry, ask, serving, settled, states


async def test_it_is_not_ready_until_the_model_is_loaded_and_warm(engine: Engine, open_registry: OpenRegistry) -> None:
    shelf = Shelf.of(Version("a"))
    shelf.held["a"] = threading.Event()
    async with open_registry(shelf) as registry:
        assert registry.not_ready() == ["model_loading"]
        step = asyncio.create_task(registry.towards(Desired()))
        await settled(registry, {"a": "loading"})
        assert registry.is_coming("a")
        assert registry.not_ready() == ["model_loading"]
        with pytest.raises(NoModel):
            await ask(engine, "你好")
        shelf.held["a"].set()
        await step
        assert registry.not_ready() == []
        assert await ask(engine, "你好") == "a"
    assert registry.not_ready() == ["draining"]


async def test_what_is_wished_for_is_coming_until_it_is_loaded_or_refused(open_registry: OpenRegistry) -> None:
    shelf = Shelf.of(Version("a"), Version("b"), Broken("c"))
    shelf.held["a"] = threading.Event()
    async with open_registry(shelf) as registry:
        wish = Wish("loaded", NOON, "ops")
        step = asyncio.create_task(registry.towards(serving("a", b=wish, c=wish)))
        await settled(registry, {"a": "loading", "b": "available", "c": "available"})
        assert [registry.is_coming(version) for version in "abcd"] == [True, True, True, False]
        shelf.held["a"].set()
        await step
        assert [registry.is_coming(version) for version in "abcd"] == [False, False, False, False]


class Pulled(Version):
    """Its device can be lost."""

    gone = False

    def trouble(self) -> str | None:
        return "device_lost: CUDAExecutionProvider computes no more" if self.gone else None


async def test_a_device_that_is_lost_while_serving_means_not_ready(open_registry: OpenRegistry) -> None:
    model = Pulled("a")
    async with open_registry(Shelf.of(model)) as registry:
        await registry.towards(Desired())
        assert registry.not_ready() == []
        model.gone = True
        assert registry.not_ready() == ["device_lost: CUDAExecutionProvider computes no more"]


async def test_while_the_next_version_loads_the_one_before_answers(engine: Engine, open_registry: OpenRegistry) -> None:
    shelf = Shelf.of(Version("a"), Version("b"))
    async with open_registry(shelf) as registry:
        await registry.towards(Desired())
        shelf.held["b"] = threading.Event()
        step = asyncio.create_task(registry.towards(serving("b", previous="a")))
        await settled(registry, {"a": "serving", "b": "loading"})
        assert await ask(engine, "你好") == "a"
        shelf.held["b"].set()
        await step
        assert await ask(engine, "你好") == "b"
        await settled(registry, {"a": "available", "b": "serving"})


async def test_what_is_under_way_at_a_swap_is_finished_by_the_version_that_began_it(
    engine: Engine, open_registry: OpenRegistry
) -> None:
    old = Version("a")
    async with open_registry(Shelf.of(old, Version("b"))) as registry:
        await registry.towards(Desired())
        begun = asyncio.create_task(ask(engine, "wait"))
        await asyncio.to_thread(old.entered.wait, 60)
        await registry.towards(serving("b", previous="a"))
        assert states(registry) == {"a": "retiring", "b": "serving"}
        assert await ask(engine, "你好") == "b"
        old.gate.set()
        assert await begun == "a"
        await settled(registry, {"a": "available", "b": "serving"})


async def test_a_retiring_version_that_is_wanted_again_comes_back_once_it_has_gone(
    engine: Engine, open_registry: OpenRegistry
) -> None:
    old = Version("a")
    async with open_registry(Shelf.of(old, Version("b"))) as registry:
        await registry.towards(Desired())
        begun = asyncio.create_task(ask(engine, "wait"))
        await asyncio.to_thread(old.entered.wait, 60)
        await registry.towards(serving("b", previous="a"))
        await registry.towards(serving("a", previous="b"))
        assert states(registry) == {"a": "retiring", "b": "serving"}
        old.gate.set()
        assert await begun == "a"
        await settled(registry, {"a": "available", "b": "serving"})
        await registry.towards(serving("a", previous="b"))
        assert await ask(engine, "谢谢") == "a"


async def test_a_version_that_is_asked_to_be_held_is_ready_and_answers_who_asks_for_it(
    engine: Engine, open_registry: OpenRegistry
) -> None:
    async with open_registry(Shelf.of(Version("a"), Version("b"))) as registry:
        with pytest.raises(NoModel):
            registry.at_work("b")
        await registry.towards(Desired({"b": Wish("loaded", NOON, "ops")}))
        assert states(registry) == {"a": "serving", "b": "ready"}
        assert registry.at_work("b").version == "b"
        await registry.towards(Desired())
        await settled(registry, {"a": "serving", "b": "available"})


async def test_a_shadow_that_is_promoted_compares_no_longer(
    engine: Engine, notes: Notes, open_registry: OpenRegistry
) -> None:
    async with open_registry(Shelf.of(Version("a"), Version("b"))) as registry:
        await registry.towards(Desired({"b": Wish("shadow", NOON, "ops", share=1.0)}))
        assert states(registry) == {"a": "serving", "b": "shadow"}
        await ask(engine, "你好")
        async with asyncio.timeout(60):
            while not notes.agreements:
                await asyncio.sleep(0.002)
        await registry.towards(serving("b", previous="a"))
        assert engine.mirror is None
        assert await ask(engine, "谢谢") == "b"
        assert len(notes.agreements) == 1
        assert notes.states["b"] == "serving"
