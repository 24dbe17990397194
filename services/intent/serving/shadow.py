"""A version that answers a copy of live texts, so that it is known before it is served. Nobody waits for it."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from services.intent.model import Understanding
from services.intent.serving.agreement import Agreement, Language, language_of
from services.intent.serving.batcher import Batcher
from services.intent.serving.failures import BatcherError
from services.intent.serving.waiting import Priority

QUEUE_TEXTS = 256
BATCH_TEXTS = 16
PATIENCE_S = 30.0


class ShadowObserver(Protocol):
    """Who is told how the shadow does; called on the event loop."""

    def compared(self, against: str, language: Language, agreement: Agreement) -> None: ...
    def dropped(self) -> None: ...
    def failed(self, texts: int) -> None: ...


@dataclass(frozen=True, slots=True)
class _Copy:
    """A live text, what was answered, and the version that answered."""

    text: str
    answer: Understanding
    version: str


class Shadow:
    """Use as `async with Shadow(batcher, observer, share=0.1) as shadow`; the batcher is its own. One batch is under way at a time.

    What finds the queue full is dropped, what fails is counted: neither reaches the call that the text came with.
    """

    def __init__(
        self,
        batcher: Batcher[Any, Any, Understanding],
        observer: ShadowObserver,
        *,
        share: float,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """`share` of the texts is looked at, above 0 and up to 1."""
        self._batcher = batcher
        self._observer = observer
        self.share = share
        self._draw = draw
        self._waiting: deque[_Copy] = deque()
        self._work = asyncio.Event()
        self._following: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._batcher.__aenter__()
        self._following = asyncio.create_task(self._follow(), name="shadow")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What waits is forgotten; only the batch that is being computed is waited for."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])
        await self._batcher.__aexit__(kind, error, trace)

    def offer(self, texts: Sequence[str], answers: Sequence[Understanding], *, version: str) -> None:
        """Take a sample of what `version` has answered; never waits, never raises."""
        for text, answer in zip(texts, answers, strict=True):
            if self._draw() >= self.share:
                continue
            if len(self._waiting) >= QUEUE_TEXTS:
                self._observer.dropped()
            else:
                self._waiting.append(_Copy(text, answer, version))
                self._work.set()

    async def _follow(self) -> None:
        while True:
            await self._work.wait()
            batch = [self._waiting.popleft() for _ in range(min(BATCH_TEXTS, len(self._waiting)))]
            if not self._waiting:
                self._work.clear()
            await self._compare(batch)

    async def _compare(self, batch: Sequence[_Copy]) -> None:
        texts = [copy.text for copy in batch]
        try:
            answers = await self._batcher.submit(texts, expires=time.monotonic() + PATIENCE_S, priority=Priority.BULK)
        except BatcherError:
            self._observer.failed(len(texts))
            return
        for copy, answer in zip(batch, answers, strict=True):
            self._observer.compared(copy.version, language_of(copy.text), Agreement.of(copy.answer, answer))
