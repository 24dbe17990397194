"""Embeddings by whatever model is served: through a batcher of their own, so that the event loop and the classifier go on."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from services.intent.model import Model
from services.intent.serving.batcher import Batcher, BatchReport
from services.intent.serving.engine import Engine, NoModel
from services.intent.serving.failures import BatcherError, ModelFailed
from services.intent.serving.memory import give_back
from services.intent.serving.waiting import Limits, Priority
from services.intent.trained.written_form import with_role

Vector = NDArray[np.float32]
LIMITS = Limits(token_budget=8_192, batch_texts=16, queue_texts=512)


@runtime_checkable
class Embeds(Protocol):
    """A model that can make embeddings too."""

    def embedding(self) -> Model[Any, Any, Vector] | None: ...


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors of unit length, one a text, and the model version that made them."""

    version: str
    vectors: Sequence[Vector]


@dataclass(frozen=True, slots=True)
class _Current:
    """`batcher` is None for a model without embeddings."""

    model: object
    version: str
    batcher: Batcher[Any, Any, Vector] | None
    stack: AsyncExitStack


class _Unseen:
    """An observer that is told and tells nobody."""

    def pending(self, texts: int) -> None: ...
    def encoded(self, seconds: float) -> None: ...
    def computed(self, report: BatchReport) -> None: ...
    def refused(self, texts: int) -> None: ...
    def dropped(self, texts: int, reason: str) -> None: ...


class Embedder:
    """Use as `async with Embedder(engine) as embedder`. A version that does not serve any more is let go at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._current: _Current | None = None
        self._changing = asyncio.Lock()
        self._ending: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._engine.follow(self._let_go)
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        if self._current is not None:
            self._end(self._current)
            self._current = None
        if self._ending:
            await asyncio.wait(self._ending)

    async def version(self) -> str | None:
        """The version that makes embeddings now; None when nothing does."""
        current = await self._model()
        return current.version if current is not None and current.batcher is not None else None

    async def embed(
        self, texts: Sequence[str], role: Literal["query", "passage"], *, expires: float, priority: Priority
    ) -> Embedded | None:
        """One vector a text. None when the model has no embeddings, or is too busy to make them by `expires`.

        Raises `ModelFailed`: of several texts, one of them may be all that it fails on.
        """
        current = await self._model()
        if current is None or current.batcher is None:
            return None
        try:
            vectors = await current.batcher.submit(
                [with_role(text, role) for text in texts], expires=expires, priority=priority
            )
        except ModelFailed:
            raise
        except BatcherError:
            return None
        return Embedded(current.version, vectors)

    async def _model(self) -> _Current | None:
        """What goes with the model that serves; None where there is none, or while one takes over."""
        if self._current is None:
            async with self._changing:
                if self._current is None:
                    await self._make()
        return self._current

    async def _make(self) -> None:
        try:
            model = self._engine.serving.model
        except NoModel:
            return
        made = await asyncio.to_thread(model.embedding) if isinstance(model, Embeds) else None
        stack = AsyncExitStack()
        batcher = None
        if made is not None:
            batcher = await stack.enter_async_context(Batcher(made, _Unseen(), limits=LIMITS, encoders=1, runners=1))
        self._current = _Current(model, str(model.version), batcher, stack)
        self._let_go()

    def _let_go(self) -> None:
        """Forget a model that does not serve any more, so that its memory goes when the registry has retired it."""
        if self._current is not None and self._current.model is not self._engine.serving.model:
            self._end(self._current)
            self._current = None

    def _end(self, current: _Current) -> None:
        ending = asyncio.create_task(_closed(current.stack), name="end-embedder")
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)


async def _closed(stack: AsyncExitStack) -> None:
    """What is under way is finished; then the memory goes back to the system."""
    await stack.aclose()
    await asyncio.to_thread(give_back)
