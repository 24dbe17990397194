"""What is wished for of versions, and how they stand in a registry."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

from services.intent.serving.desired import Desired, Wish
from services.intent.serving.engine import Engine
from services.intent.serving.registry import Registry
from services.intent.serving.waiting import Priority
from tests.unit.intent.fakes import Shelf

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
