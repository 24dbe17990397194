"""From texts to what they say: the version at work, the cache of its answers, and who looks on. Knows no HTTP."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from services.intent.model import Model, Understanding
from services.intent.serving.batcher import CALLER_GONE, Batcher, Observer
from services.intent.serving.cache import AnswerCache, cache_key
from services.intent.serving.failures import BatcherError
from services.intent.serving.raw import InFull, Shown
from services.intent.serving.waiting import Priority

T = TypeVar("T")
UnderstandingModel = Model[Any, Any, Understanding]


class NoModel(Exception):
    """No model is served yet, or not the version that was asked for."""


class EngineObserver(Observer, Protocol):
    """Who is told what the engine does with one version."""

    def looked_up(self, *, hits: int, misses: int) -> None: ...
    def succeeded(self) -> None: ...
    def failed(self, reason: str) -> None: ...
    def released(self) -> None: ...


class Mirror(Protocol):
    """Who gets a copy of what was asked and answered. It returns at once and raises nothing."""

    def offer(self, texts: Sequence[str], answers: Sequence[Understanding], *, version: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Served:
    """One model version at work. Whoever holds it may finish with it, whatever is served next.

    The batcher answers with `Understanding`, and texts that are `InFull` with `Shown`: that is for a model that shows more than its
    answers. `raw` has the widths of what it shows by name, and is empty for any other.
    """

    model: UnderstandingModel
    batcher: Batcher[Any, Any, Any]
    observer: EngineObserver
    raw: Mapping[str, int] = field(default_factory=dict)

    @property
    def version(self) -> str:
        return self.model.version


@dataclass(frozen=True, slots=True)
class Answered:
    """The understandings, in the order of the texts, and who gave them."""

    model: str
    version: str
    results: Sequence[Understanding]


class Engine:
    """What answers now. The registry puts versions in its place, each between two calls."""

    def __init__(self, cache_answers: int) -> None:
        self._cache: AnswerCache[Understanding] = AnswerCache(cache_answers)
        self._served: Served | None = None
        self.mirror: Mirror | None = None
        self._followers: list[Callable[[], None]] = []

    @property
    def serving(self) -> Served:
        """The model at work; raises `NoModel` when there is none."""
        if self._served is None:
            raise NoModel
        return self._served

    def serve(self, served: Served) -> None:
        """From now on `served` answers. Calls that are under way finish with what they began with."""
        self._served = served
        for told in self._followers:
            told()

    def follow(self, told: Callable[[], None]) -> None:
        """Have `told` called, on the event loop, after each change of what answers. It raises nothing."""
        self._followers.append(told)

    async def understand(self, texts: Sequence[str], *, tenant: str, expires: float, priority: Priority) -> Answered:
        """What each text says. `expires` is on the monotonic clock. Raises `NoModel` and the errors of the batcher."""
        return await self.ask(self.serving, texts, tenant=tenant, expires=expires, priority=priority)

    async def ask(
        self, served: Served, texts: Sequence[str], *, tenant: str, expires: float, priority: Priority
    ) -> Answered:
        """As `understand`, by a version of the caller's choice. Nothing is awaited before the batcher has taken the texts in."""
        results = await _counted(served.observer, self._results(served, texts, tenant, expires, priority))
        self._mirrored(served, texts, results)
        return Answered(served.model.name, served.version, results)

    async def ask_raw(self, served: Served, texts: Sequence[str], *, expires: float, priority: Priority) -> list[Shown]:
        """What each text says, and the logits and the embedding that it is made of; nothing of it is cached.

        Raises `NoModel` for a version that shows no more than its answers, and the errors of the batcher.
        """
        if not served.raw:
            raise NoModel
        inquiry = served.batcher.submit([InFull(text) for text in texts], expires=expires, priority=priority)
        shown: list[Shown] = await _counted(served.observer, inquiry)
        self._mirrored(served, texts, [each.said for each in shown])
        return shown

    def _mirrored(self, served: Served, texts: Sequence[str], answers: Sequence[Understanding]) -> None:
        """Whoever looks on sees what the version that serves answers, not what others are asked by their name."""
        if self.mirror is not None and served is self._served:
            self.mirror.offer(texts, answers, version=served.version)

    async def _results(
        self, served: Served, texts: Sequence[str], tenant: str, expires: float, priority: Priority
    ) -> list[Understanding]:
        keys = {text: cache_key(tenant, served.version, text) for text in texts} if self._cache.keeps else {}
        known = {text: answer for text, key in keys.items() if (answer := self._cache.get(key)) is not None}
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if keys:
            served.observer.looked_up(hits=len(texts) - len(missing), misses=len(missing))
        if missing:
            answers = await served.batcher.submit(missing, expires=expires, priority=priority)
            for text, answer in zip(missing, answers, strict=True):
                known[text] = answer
                if keys:
                    self._cache.put(keys[text], answer)
        return [known[text] for text in texts]


async def _counted(observer: EngineObserver, request: Awaitable[T]) -> T:
    """One request, that succeeds or fails for a reason."""
    try:
        answer = await request
    except BatcherError as error:
        observer.failed(error.reason)
        raise
    except asyncio.CancelledError:
        observer.failed(CALLER_GONE)
        raise
    observer.succeeded()
    return answer
