"""A registry over fakes."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from services.intent.serving.engine import Engine
from services.intent.serving.opening import Sizes
from services.intent.serving.registry import Registry
from services.intent.serving.waiting import Limits
from tests.unit.intent.fakes import Notes, Shelf

SIZES = Sizes(Limits(), encoders=1, runners=1, drain_s=5.0)

OpenRegistry = Callable[[Shelf, Engine, Notes], AbstractAsyncContextManager[Registry]]


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def engine() -> Engine:
    return Engine(cache_answers=100)


@pytest.fixture
def open_registry(engine: Engine, notes: Notes) -> Callable[[Shelf], AbstractAsyncContextManager[Registry]]:
    """`async with open_registry(shelf) as registry`: over `engine` and `notes`."""

    @asynccontextmanager
    async def opening(shelf: Shelf) -> AsyncIterator[Registry]:
        async with Registry(engine, shelf, notes, SIZES) as registry:
            yield registry

    return opening
