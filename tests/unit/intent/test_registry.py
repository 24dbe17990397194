"""The registry of one process: loading before serving, swaps, refusals, retirement."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.intent.lexical.keyword import Scores
from services.intent.model import Understanding
from services.intent.serving.desired import Desired, Wish
from services.intent.serving.engine import Engine, NoModel
from services.intent.serving.registry import Registry, Standing
from services.intent.serving.waiting import Priority
from tests.unit.intent.fakes import Broken, Notes, Shelf, Version

OpenRegistry = Callable[[Shelf], AbstractAsyncContextManager[Registry]]
LATER = float("inf")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def serving(version: str, *, at: datetime = NOON, previous: str | None = None, **others: Wish) -> Desired:
    return Desired({version: Wish("serving", at, "ops", previous=previous), **others})


def states(registry: Registry) -> dict[str, str]:
    return {version: standing.state for version, standing in registry.standings().items()}


async def ask(engine: Engine, text: str) -> str:
    return (await engine.understand([text], tenant="t", expires=LATER, priority=Priority.INTERACTIVE)).version


async def settled(registry: Registry, wanted: dict[str, str]) -> None:
    async with asyncio.timeout(60):
        while states(registry) != wanted:
            await asyncio.sleep(0.002)


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


async def test_a_model_that_fails_to_warm_up_is_never_served(
    engine: Engine, notes: Notes, open_registry: OpenRegistry
) -> None:
    async with open_registry(Shelf.of(Broken("a"))) as registry:
        await registry.towards(Desired())
        await registry.towards(Desired())
        assert registry.not_ready() == ["model_failed_to_load: OSError"]
        with pytest.raises(NoModel):
            await ask(engine, "你好")
    assert notes.refusals == ["a"]


class Numberless(Version):
    """Weights that are beyond their type: every number is none."""

    def decode(self, logits: Scores) -> list[Understanding]:
        return [replace(each, confidence=float("nan")) for each in super().decode(logits)]


async def test_a_model_whose_numbers_are_none_is_refused_before_it_serves(
    engine: Engine, open_registry: OpenRegistry
) -> None:
    async with open_registry(Shelf.of(Version("a"), Numberless("b"))) as registry:
        await registry.towards(Desired())
        await registry.towards(serving("b", previous="a"))
        assert registry.standings()["b"].state == "refused"
        assert "no probabilities" in str(registry.standings()["b"].reason)
        assert await ask(engine, "你好") == "a"


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


async def test_a_refused_version_leaves_the_old_one_serving_and_is_not_tried_every_second(
    engine: Engine, notes: Notes, open_registry: OpenRegistry
) -> None:
    shelf = Shelf.of(Version("a"), Version("b"))
    shelf.refused["b"] = "the package is damaged: b: checksum of model.onnx"
    async with open_registry(shelf) as registry:
        await registry.towards(Desired())
        for _ in range(3):
            await registry.towards(serving("b", previous="a"))
        assert registry.standings()["b"] == Standing("refused", "the package is damaged: b: checksum of model.onnx")
        assert registry.not_ready() == []
        assert await ask(engine, "你好") == "a"
    assert (notes.refusals, notes.swaps) == (["b"], 1)


@pytest.mark.parametrize("again", ["asked", "files"])
async def test_a_refused_version_is_tried_again_when_it_is_asked_for_or_when_its_files_change(
    engine: Engine, open_registry: OpenRegistry, again: str
) -> None:
    shelf = Shelf.of(Version("a"), Version("b"))
    shelf.refused["b"] = "damaged"
    async with open_registry(shelf) as registry:
        await registry.towards(Desired())
        await registry.towards(serving("b", previous="a"))
        shelf.refused.clear()
        shelf.signatures["b"] = int(again == "files")
        await registry.towards(serving("b", at=NOON + timedelta(seconds=again == "asked"), previous="a"))
        assert await ask(engine, "你好") == "b"


async def test_a_good_version_is_promoted_after_a_refused_one(engine: Engine, open_registry: OpenRegistry) -> None:
    shelf = Shelf.of(Version("a"), Version("b"), Version("c"))
    shelf.refused["b"] = "damaged"
    async with open_registry(shelf) as registry:
        await registry.towards(Desired())
        await registry.towards(serving("b", previous="a"))
        await registry.towards(serving("c", previous="a"))
        assert await ask(engine, "你好") == "c"
        await settled(registry, {"a": "available", "b": "refused", "c": "serving"})


async def test_a_process_that_starts_with_a_refused_version_serves_the_one_before(
    engine: Engine, open_registry: OpenRegistry
) -> None:
    shelf = Shelf.of(Version("a"), Version("b"))
    shelf.refused["b"] = "damaged"
    async with open_registry(shelf) as registry:
        await registry.towards(serving("b", previous="a"))
        assert await ask(engine, "你好") == "a"
        assert states(registry) == {"a": "serving", "b": "refused"}
        await registry.towards(serving("b", previous="a"))
        assert states(registry) == {"a": "serving", "b": "refused"}


@pytest.mark.parametrize("previous", [None, "b"])
async def test_a_process_that_finds_neither_the_promoted_version_nor_the_one_before_serves_that_of_the_settings(
    engine: Engine, open_registry: OpenRegistry, previous: str | None
) -> None:
    async with open_registry(Shelf.of(Version("a"))) as registry:
        await registry.towards(serving("c", previous=previous))
        assert registry.standings()["c"] == Standing("refused", "no package of this version is here")
        assert await ask(engine, "你好") == "a"
        assert registry.not_ready() == []


async def test_a_version_whose_files_are_not_here_is_refused_until_they_come(
    engine: Engine, open_registry: OpenRegistry
) -> None:
    shelf = Shelf.of(Version("a"))
    async with open_registry(shelf) as registry:
        await registry.towards(Desired())
        await registry.towards(serving("b", previous="a"))
        assert registry.standings()["b"] == Standing("refused", "no package of this version is here")
        shelf.models["b"] = Version("b")
        await registry.towards(serving("b", previous="a"))
        assert await ask(engine, "你好") == "b"


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


async def test_a_version_that_may_not_serve_is_refused_as_often_as_it_is_promoted_and_can_be_loaded(
    engine: Engine, notes: Notes, open_registry: OpenRegistry
) -> None:
    shelf = Shelf.of(Version("a"), Version("b"))
    shelf.barred["b"] = "its labels are foreign"
    async with open_registry(shelf) as registry:
        await registry.towards(Desired())
        for _ in range(3):
            await registry.towards(serving("b", previous="a"))
        assert registry.standings()["b"] == Standing("refused", "its labels are foreign")
        assert (await ask(engine, "你好"), notes.refusals, shelf.opened) == ("a", ["b"], ["a"])
        await registry.towards(Desired({"b": Wish("loaded", NOON + timedelta(seconds=1), "ops")}))
        assert states(registry) == {"a": "serving", "b": "ready"}
        assert registry.at_work("b").version == "b"


async def test_with_a_default_that_may_not_serve_nothing_is_ready(engine: Engine, open_registry: OpenRegistry) -> None:
    shelf = Shelf.of(Version("a"))
    shelf.barred["a"] = "its labels are foreign"
    async with open_registry(shelf) as registry:
        await registry.towards(Desired())
        assert registry.not_ready() == ["model_failed_to_load: its labels are foreign"]
        with pytest.raises(NoModel):
            await ask(engine, "你好")


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


async def test_a_package_that_became_another_version_while_it_was_opened_is_refused(
    open_registry: OpenRegistry,
) -> None:
    shelf = Shelf.of(Version("a"))
    shelf.models["b"] = Version("c")
    async with open_registry(shelf) as registry:
        await registry.towards(Desired({"b": Wish("loaded", NOON, "ops")}))
        assert registry.standings()["b"] == Standing("refused", "the package became c while it was opened")
