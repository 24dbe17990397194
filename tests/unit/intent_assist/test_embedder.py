"""Embeddings go with the version that serves, and nothing of it stays when another takes over."""

import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from services.intent.assist.knowledge.embedder import Embedded, Embedder
from services.intent.model import Appetite
from services.intent.serving.desired import Desired, Wish
from services.intent.serving.engine import Engine
from services.intent.serving.registry import Registry
from services.intent.serving.waiting import Priority
from tests.unit.intent.conftest import SIZES
from tests.unit.intent.fakes import Notes, Shelf, Version

LATER = float("inf")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Vectors:
    """Every text is its number of tokens; `wait…` waits until `gate` is open."""

    appetite = Appetite(token_budget=100, batch_cost=1)

    def __init__(self, version: str, gate: threading.Event) -> None:
        self.name, self.version = "vectors", version
        self._gate = gate

    def trouble(self) -> None: ...

    def encode(self, texts: Sequence[str]) -> list[Any]:
        return Version(self.version).encode(texts)

    def run(self, batch: Sequence[Any]) -> list[int]:
        assert self._gate.wait(60)
        return [each.tokens for each in batch]

    def decode(self, logits: Sequence[int]) -> list[Any]:
        return [np.array([each], dtype=np.float32) for each in logits]


class Embedding(Version):
    """Remembers what it has made, and does not hold it. Making waits for `may_make`."""

    def __init__(self, version: str) -> None:
        super().__init__(version)
        self.made: list[weakref.ref[Vectors]] = []
        self.may_make, self.may_run = threading.Event(), threading.Event()
        self.may_make.set()
        self.may_run.set()

    def embedding(self) -> Vectors:
        assert self.may_make.wait(60)
        made = Vectors(self.version, self.may_run)
        self.made.append(weakref.ref(made))
        return made


def serving(version: str) -> Desired:
    return Desired({version: Wish("serving", NOON, "ops")})


async def embed(embedder: Embedder) -> Embedded | None:
    return await embedder.embed(["你好"], "query", expires=LATER, priority=Priority.INTERACTIVE)


async def gone(models: Sequence[weakref.ref[Vectors]]) -> None:
    async with asyncio.timeout(60):
        while any(each() is not None for each in models):
            await asyncio.sleep(0.002)
            gc.collect()


@pytest.fixture
def engine() -> Engine:
    return Engine(cache_answers=0)


@pytest.fixture
def one() -> Embedding:
    return Embedding("a")


@pytest.fixture
async def registry(engine: Engine, one: Embedding) -> AsyncIterator[Registry]:
    async with Registry(engine, Shelf.of(one, Embedding("b"), Version("c")), Notes(), SIZES) as registry:
        await registry.towards(serving("a"))
        yield registry


async def test_a_version_that_serves_no_more_is_let_go_without_another_embedding(
    engine: Engine, registry: Registry, one: Embedding
) -> None:
    async with Embedder(engine) as embedder:
        first = await embed(embedder)
        assert (first and first.version, len(one.made)) == ("a", 1)
        await registry.towards(serving("b"))
        await gone(one.made)
        second = await embed(embedder)
        assert second is not None
        assert second.version == "b"
        await registry.towards(serving("c"))
        assert await embedder.version() is None


async def test_what_is_under_way_when_another_takes_over_is_finished(
    engine: Engine, registry: Registry, one: Embedding
) -> None:
    async with Embedder(engine) as embedder:
        await embed(embedder)
        one.may_run.clear()
        asked = asyncio.create_task(embed(embedder))
        await asyncio.sleep(0)
        await registry.towards(serving("b"))
        one.may_run.set()
        answer = await asked
        assert answer is not None
        assert answer.version == "a"
        await gone(one.made)


async def test_one_that_is_made_while_another_takes_over_is_let_go_too(
    engine: Engine, registry: Registry, one: Embedding
) -> None:
    async with Embedder(engine) as embedder:
        one.may_make.clear()
        asked = asyncio.create_task(embed(embedder))
        await asyncio.sleep(0)
        await registry.towards(serving("b"))
        one.may_make.set()
        assert await asked is None
        await gone(one.made)
        after = await embed(embedder)
        assert after is not None
        assert after.version == "b"
