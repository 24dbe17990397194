"""The batching engine. Pure asyncio: it knows the three verbs of a model, and neither HTTP nor metrics.

Encoding runs on its own threads, the forward pass on others; on the event loop only what costs less than waking a thread. There
is no deliberate wait for a batch to fill: while one batch is computed the next one gathers, so a batch is as large as the load
makes it.
"""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Generic, Protocol, Self

from services.intent.model import A, E, L, Model
from services.intent.serving.computing import LEAST, Computed, compute, give_way
from services.intent.serving.jobs import Asked, Job, fail
from services.intent.serving.waiting import Limits, Priority, Waiting

MAX_RETRY_AFTER_S = 30
COMPUTE_NICENESS = 3

_SMOOTHING = 0.2
_OVERTAKEN = 2.0
"""How much longer a text may wait than for what was there before it: others of a fitting length are taken with those in front, and
the pace falls while a neighbour of the machine is busy. At 1.5, from 2 to 6 in a hundred of those taken in at twice the load came
too late; at 2 none did, with as many answered.
"""


class BatcherError(Exception):
    """The texts were not computed."""


class QueueFull(BatcherError):
    """Refused at once: there is no room, or the deadline would pass in the queue."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"the queue is full, try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class DeadlinePassed(BatcherError):
    """The deadline passed before the answer was there."""


class Draining(BatcherError):
    """This process is about to end and takes no more work."""


class ModelFailed(BatcherError):
    """The model raised, or gave another number of encodings or answers than texts."""


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What one batch cost. `queue_s` has one duration a text."""

    tokens: int
    padded_tokens: int
    queue_s: Sequence[float]
    infer_s: float
    output_s: float


class Observer(Protocol):
    """Who is told what happens; called on the event loop."""

    def pending(self, texts: int) -> None: ...
    def encoded(self, seconds: float) -> None: ...
    def computed(self, report: BatchReport) -> None: ...
    def refused(self, texts: int) -> None: ...
    def dropped(self, texts: int, reason: str) -> None: ...


class Batcher(Generic[E, L, A]):
    """Use as `async with Batcher(model, observer) as batcher`; leaving the block drains it."""

    def __init__(
        self,
        model: Model[E, L, A],
        observer: Observer,
        *,
        limits: Limits | None = None,
        encoders: int = 2,
        runners: int = 1,
        drain_s: float = 10.0,
        yielding: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`yielding`: its threads get the processor only where nobody else wants it."""
        self._model = model
        self._observer = observer
        self._limits = (limits or Limits()).suiting(model.appetite)
        self._drain_s = drain_s
        self._yielding = yielding
        self._clock = clock
        self._waiting: Waiting[Job[E, A]] = Waiting(self._limits)
        self._idle = asyncio.Event()
        self._idle.set()
        self._unsettled = 0
        self._closing = False
        self._gave_up = False
        self._tokens_per_s = math.inf
        self._tokens_per_text = 0.0
        self._being_encoded = 0
        self._being_computed = 0
        encoding, computing = (LEAST, LEAST) if yielding else (0, COMPUTE_NICENESS)
        self._encoding = ThreadPoolExecutor(encoders, "encode", give_way, (encoding,))
        self._computing = ThreadPoolExecutor(runners, "compute", give_way, (computing,))
        self._runners = runners
        self._running: dict[asyncio.Future[Computed[A]], Sequence[Job[E, A]]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        """Refuse new work, give what is under way `drain_s` seconds, then fail the rest."""
        self._closing = True
        try:
            async with asyncio.timeout(self._drain_s):
                await self._idle.wait()
        except TimeoutError:
            self._give_up()
        for pool in (self._encoding, self._computing):
            await asyncio.to_thread(pool.shutdown, wait=not self._gave_up, cancel_futures=True)

    @property
    def unsettled(self) -> int:
        """Texts that were taken in and have no answer yet."""
        return self._unsettled

    async def warm_up(self, texts: Sequence[str]) -> Sequence[A]:
        """One pass through all three verbs outside the queue, alone and as a batch, whose answers it gives sorted by length.

        What the model raises, this raises.
        """
        loop = asyncio.get_running_loop()
        encoded = await loop.run_in_executor(self._encoding, self._model.encode, texts)
        await loop.run_in_executor(self._computing, compute, self._model, encoded[:1])
        batch = sorted(encoded, key=lambda each: each.tokens)
        return (await loop.run_in_executor(self._computing, compute, self._model, batch)).answers

    async def submit(
        self, texts: Sequence[str], *, expires: float, priority: Priority = Priority.INTERACTIVE
    ) -> list[A]:
        """One answer a text, in order. `expires` is a moment of the batcher's clock.

        Raises the errors above. When the caller is cancelled, its texts leave the queue at once.
        """
        self._admit(len(texts), expires, priority)
        self._settle(len(texts))
        try:
            return await self._answer(texts, expires, priority)
        finally:
            self._settle(-len(texts))

    def _admit(self, texts: int, expires: float, priority: Priority) -> None:
        if self._closing:
            raise Draining
        if expires <= self._clock():
            raise DeadlinePassed
        wait_s = self._expected_wait_s(priority)
        if self._unsettled + texts > self._limits.queue_texts or self._clock() + wait_s >= expires:
            self._observer.refused(texts)
            raise QueueFull(min(MAX_RETRY_AFTER_S, max(1, math.ceil(wait_s))))

    def _expected_wait_s(self, priority: Priority) -> float:
        """For all that goes before, at the measured pace, and for a batch of its own that is as large as the load makes it."""
        ahead = self._waiting.tokens_ahead(priority, self._clock()) + self._being_computed
        ahead += int(self._being_encoded * self._tokens_per_text)
        return _OVERTAKEN * (ahead + min(ahead, self._limits.token_budget)) / self._tokens_per_s

    def _settle(self, change: int) -> None:
        self._unsettled += change
        self._observer.pending(self._unsettled)
        if self._unsettled:
            self._idle.clear()
        else:
            self._idle.set()

    async def _answer(self, texts: Sequence[str], expires: float, priority: Priority) -> list[A]:
        loop = asyncio.get_running_loop()
        started = self._clock()
        try:
            encoded = await self._encode(loop, texts, expires)
        except BatcherError:
            raise
        except Exception as failure:
            self._observer.dropped(len(texts), "model_failed")
            raise _model_failed(failure) from failure
        now = self._clock()
        self._observer.encoded(now - started)
        if self._gave_up:
            raise Draining
        if len(encoded) != len(texts):
            raise ModelFailed(f"{len(encoded)} encoded of {len(texts)} texts")
        if not encoded:
            return []
        asked: Asked[A] = Asked({}, len(encoded), loop.create_future())
        jobs = [Job(each, each.tokens, now, expires, priority, place, asked) for place, each in enumerate(encoded)]
        too_late = loop.call_later(expires - now, asked.fail, DeadlinePassed())
        left_for = "caller_gone"
        try:
            for job in jobs:
                self._waiting.add(job)
            self._dispatch()
            await asked.whole
        except DeadlinePassed:
            left_for = "deadline"
            raise
        finally:
            too_late.cancel()
            self._forget(jobs, asked, left_for)
        return [asked.answers[place] for place in range(len(jobs))]

    async def _encode(self, loop: asyncio.AbstractEventLoop, texts: Sequence[str], expires: float) -> Sequence[E]:
        if not self._yielding and sum(len(text.encode()) for text in texts) <= self._model.appetite.encoded_at_once:
            return self._model.encode(texts)
        self._being_encoded += len(texts)
        try:
            async with asyncio.timeout(expires - self._clock()) as timeout:
                return await loop.run_in_executor(self._encoding, self._model.encode, texts)
        except TimeoutError as error:
            if timeout.expired():
                raise DeadlinePassed from error
            raise
        finally:
            self._being_encoded -= len(texts)

    def _forget(self, jobs: Sequence[Job[E, A]], asked: Asked[A], left_for: str) -> None:
        """Whatever happened, nothing of a request stays behind: not in the queue, not as an unread exception."""
        left = sum(self._waiting.discard(job) for job in jobs) if asked.left else 0
        if left:
            self._observer.dropped(left, left_for)
        asked.forget()

    def _dispatch(self, free: float | None = None) -> None:
        """A batch for every computing thread that has none. `free` is when one ended the batch before: what lies between counts."""
        while len(self._running) < self._runners and len(self._waiting):
            now = self._clock()
            taken = self._waiting.take(now)
            if taken.expired:
                self._observer.dropped(len(taken.expired), "deadline")
                fail(taken.expired, DeadlinePassed)
            if taken.batch:
                self._compute(taken.batch, now, now if free is None else free)

    def _compute(self, batch: Sequence[Job[E, A]], started: float, since: float) -> None:
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._computing, compute, self._model, [job.encoded for job in batch])
        self._running[running] = batch
        self._being_computed += sum(job.tokens for job in batch)
        running.add_done_callback(partial(self._computed, started, since))

    def _computed(self, started: float, since: float, running: "asyncio.Future[Computed[A]]") -> None:
        batch = self._running.pop(running)
        self._being_computed -= sum(job.tokens for job in batch)
        if running.cancelled():
            return
        if (failure := running.exception()) is not None:
            self._observer.dropped(len(batch), "model_failed")
            fail(batch, lambda: _model_failed(failure))
            self._dispatch()
            return
        computed = running.result()
        for job, answer in zip(batch, computed.answers, strict=True):
            job.asked.answer(job.place, answer)
        free = self._clock()
        self._learn(sum(job.tokens for job in batch), len(batch), free - since)
        self._dispatch(free)
        waits = [started - job.arrived for job in batch]
        tokens, padded = sum(job.tokens for job in batch), max(job.tokens for job in batch) * len(batch)
        self._observer.computed(BatchReport(tokens, padded, waits, computed.infer_s, computed.output_s))

    def _learn(self, tokens: int, texts: int, seconds: float) -> None:
        """How fast it goes and how long texts are, smoothed over batches."""
        pace = tokens / max(seconds, 1e-6) * self._runners
        known = math.isfinite(self._tokens_per_s)
        self._tokens_per_s = self._tokens_per_s + _SMOOTHING * (pace - self._tokens_per_s) if known else pace
        self._tokens_per_text += _SMOOTHING * (tokens / texts - self._tokens_per_text)

    def _give_up(self) -> None:
        self._gave_up = True
        taken = self._waiting.take(math.inf)
        self._observer.dropped(len(taken.expired), "draining")
        for batch in (taken.expired, *self._running.values()):
            fail(batch, Draining)


def _model_failed(failure: BaseException) -> ModelFailed:
    error = ModelFailed(type(failure).__name__)
    error.__cause__ = failure
    return error
