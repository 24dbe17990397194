"""From texts to what they say: one model, its batcher and the cache of its answers. Knows no HTTP."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from services.intent.model import Model, ModelRefused, Understanding
from services.intent.serving.batcher import Batcher, Observer
from services.intent.serving.cache import AnswerCache, cache_key
from services.intent.serving.waiting import Limits, Priority
from services.kit.telemetry import get_logger

log = get_logger(__name__)

UnderstandingModel = Model[Any, Any, Understanding]

WARM_UP_TEXTS = ("想买重疾险", "how much is travel insurance for a family of four?", "课" * 500, "lesson " * 120)


class NoModel(Exception):
    """No model is served yet."""


class EngineObserver(Observer, Protocol):
    """Who is told what the engine does."""

    def looked_up(self, *, hits: int, misses: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Served:
    """One model version at work. Whoever holds it may finish with it, whatever is served next."""

    model: UnderstandingModel
    batcher: Batcher[Any, Any, Understanding]
    observer: EngineObserver


@dataclass(frozen=True, slots=True)
class Answered:
    """The understandings, in the order of the texts, and who gave them."""

    model: str
    version: str
    results: Sequence[Understanding]


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Sizes of the queue, the thread pools and the cache."""

    limits: Limits
    encoders: int
    runners: int
    drain_s: float
    cache_answers: int


class Engine:
    """Use as `async with Engine(load, observe, config) as engine`. Loading goes on in the background: see `not_ready`."""

    def __init__(
        self,
        load: Callable[[], UnderstandingModel],
        observe: Callable[[str, str], EngineObserver],
        config: EngineConfig,
    ) -> None:
        """`load` runs on a thread; `observe` is given the model's name and version."""
        self._load = load
        self._observe = observe
        self._config = config
        self._cache: AnswerCache[Understanding] = AnswerCache(config.cache_answers)
        self._served: Served | None = None
        self._stack = AsyncExitStack()
        self._starting: asyncio.Task[None] | None = None
        self._closing = False

    async def __aenter__(self) -> Self:
        self._starting = asyncio.create_task(self._start(), name="load-model")
        self._starting.add_done_callback(_say_why)
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._closing = True
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        await self._stack.aclose()

    def not_ready(self) -> list[str]:
        """Why no traffic should come; empty when it should."""
        if self._closing:
            return ["draining"]
        if self._served is not None:
            return []
        if self._starting is not None and self._starting.done() and not self._starting.cancelled():
            return [f"model_failed_to_load: {_reason(self._starting.exception())}"]
        return ["model_loading"]

    @property
    def serving(self) -> Served:
        """The model at work; raises `NoModel` when there is none."""
        if self._served is None:
            raise NoModel
        return self._served

    async def understand(self, texts: Sequence[str], *, tenant: str, expires: float, priority: Priority) -> Answered:
        """What each text says. `expires` is on the monotonic clock. Raises `NoModel` and the errors of the batcher."""
        served = self.serving
        keys = [cache_key(tenant, served.model.version, text) for text in texts]
        known = {key: answer for key in set(keys) if (answer := self._cache.get(key)) is not None}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        served.observer.looked_up(hits=len(texts) - len(missing), misses=len(missing))
        if missing:
            answers = await served.batcher.submit(list(missing.values()), expires=expires, priority=priority)
            for key, answer in zip(missing, answers, strict=True):
                known[key] = answer
                self._cache.put(key, answer)
        return Answered(served.model.name, served.model.version, [known[key] for key in keys])

    async def _start(self) -> None:
        """A model is served only after it has answered once: the first caller never pays for a cold start."""
        model = await asyncio.to_thread(self._load)
        observer = self._observe(model.name, model.version)
        config = self._config
        batcher = Batcher(
            model,
            observer,
            limits=config.limits,
            encoders=config.encoders,
            runners=config.runners,
            drain_s=config.drain_s,
        )
        await self._stack.enter_async_context(batcher)
        await batcher.warm_up(WARM_UP_TEXTS)
        self._served = Served(model, batcher, observer)


def _reason(error: BaseException | None) -> str:
    """What may be told to whoever asks: our own words, of anything else only the kind."""
    return str(error) if isinstance(error, ModelRefused) else type(error).__name__


def _say_why(loading: asyncio.Task[None]) -> None:
    if not loading.cancelled() and (error := loading.exception()):
        log.error("model_failed_to_load", exc_info=error)
