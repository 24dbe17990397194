"""What a registry refuses to serve, and what it serves instead."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.intent.lexical.keyword import Scores
from services.intent.model import Understanding
from services.intent.serving.desired import Desired, Wish
from services.intent.serving.engine import Engine, NoModel
from services.intent.serving.registry import Standing
from tests.unit.intent.fakes import Broken, Notes, Shelf, Version
from tests.unit.intent.registering import NOON, OpenRegistry, ask, serving, settled, states


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


async def test_a_package_that_became_another_version_while_it_was_opened_is_refused(
    open_registry: OpenRegistry,
) -> None:
    shelf = Shelf.of(Version("a"))
    shelf.models["b"] = Version("c")
    async with open_registry(shelf) as registry:
        await registry.towards(Desired({"b": Wish("loaded", NOON, "ops")}))
        assert registry.standings()["b"] == Standing("refused", "the package became c while it was opened")
