"""One version from its files to work: opened on a thread, warm before anybody is answered, drained and let go at its end."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from services.intent.model import A, Model, ModelRefused, Understanding
from services.intent.serving.batcher import Batcher, Observer
from services.intent.serving.engine import EngineObserver, Served, UnderstandingModel
from services.intent.serving.library import Known, Library
from services.intent.serving.raw import Opened, Transparent
from services.intent.serving.waiting import Limits

WARM_UP_TEXTS = ("想买重疾险", "how much is travel insurance for a family of four?", "课" * 500, "lesson " * 120)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of the queue and the thread pools of one version."""

    limits: Limits
    encoders: int
    runners: int
    drain_s: float

    def batcher(self, model: Model[Any, Any, A], observer: Observer) -> Batcher[Any, Any, A]:
        return Batcher(
            model,
            observer,
            limits=self.limits,
            encoders=self.encoders,
            runners=self.runners,
            drain_s=self.drain_s,
        )

    def shadow_batcher(self, model: UnderstandingModel, observer: Observer) -> Batcher[Any, Any, Understanding]:
        """One that gets the processor only where nobody else wants it, and whose end waits for nobody."""
        return Batcher(model, observer, limits=self.limits, encoders=1, runners=1, drain_s=0.0, yielding=True)


@dataclass(frozen=True, slots=True)
class Loaded:
    """An open and warm version."""

    served: Served
    load_s: float

    async def close(self) -> None:
        """Finish what is under way, for as long as the batcher allows, and let go."""
        await self.served.batcher.__aexit__(None, None, None)
        self.served.observer.released()


async def opened(known: Known, library: Library, observe: Callable[[str, str], EngineObserver], sizes: Sizes) -> Loaded:
    """The version at work, having answered once: the first caller never pays for a cold start.

    Raises `ModelRefused`, or whatever a model raises that does not work.
    """
    started = time.perf_counter()
    model = await asyncio.to_thread(library.open, known)
    if model.version != known.version:
        raise ModelRefused(f"the package became {model.version} while it was opened")
    observer = observe(model.name, model.version)
    if isinstance(model, Transparent):
        served = Served(model, sizes.batcher(Opened(model), observer), observer, model.raw_outputs)
    else:
        served = Served(model, sizes.batcher(model, observer), observer)
    await served.batcher.__aenter__()
    try:
        _require_probabilities(await served.batcher.warm_up(WARM_UP_TEXTS))
    except BaseException:
        await Loaded(served, 0.0).close()
        raise
    return Loaded(served, time.perf_counter() - started)


def _require_probabilities(said: Sequence[Understanding]) -> None:
    """Raise `ModelRefused` for a model whose numbers are none: no answer of it could be sent."""
    for each in said:
        shares = (each.confidence, each.purchase, each.opinion.confidence, each.opinion.negative)
        if not all(0 <= share <= 1 for share in shares):
            raise ModelRefused(f"it answers {shares}, which are no probabilities")
