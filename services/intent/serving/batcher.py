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
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, Self

from services.intent.model import A, E, L, Model
from services.intent.serving.computing import LEAST, Computed, Run, compute, encode, give_way
from services.intent.serving.failures import BatcherError, DeadlinePassed, Draining, ModelFailed, QueueFull
from services.intent.serving.jobs import Asked, Job, fail
from services.intent.serving.waiting import Limits, Priority, Waiting

MAX_RETRY_AFTER_S = 30
COMPUTE_NICENESS = 3
CALLER_GONE = "caller_gone"
"""What metrics call it when a request is cancelled."""

_SMOOTHING = 0.2
_OVERTAKEN = 2.0
"""How much longer a text may wait than for what was there before it: others of a fitting length are taken with those in front, and
the pace falls while a neighbour of the machine is busy. At 1.5, from 2 to 6 in a hundred of those taken in at twice the load came
too late; at 2 none did, with as many answered.
"""


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
        self._running: set[Run[E, A]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Refuse new work, give what is under way `drain_s` seconds, then fail the rest: at once where this is cancelled."""
        self._closing = True
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._drain_s):
                    await self._idle.wait()
        finally:
            if self._unsettled:
                self._give_up()
            self._encoding.shutdown(wait=False, cancel_futures=True)
            self._computing.shutdown(wait=False)  # what was handed over to be computed is counted at its end
        if not self._gave_up:
            for pool in (self._encoding, self._computing):
                await asyncio.to_thread(pool.shutdown)

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
        if not texts:
            return []
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
        asked: Asked[E, A] = Asked(texts, self._clock(), expires, priority, loop.create_future())
        too_late = loop.call_later(expires - asked.since, asked.fail, DeadlinePassed())
        left_for = CALLER_GONE
        try:
            self._encode(loop, asked)
            await asked.whole
            return [asked.answers[place] for place in range(len(texts))]
        except BatcherError as error:
            left_for = error.reason
            raise
        finally:
            too_late.cancel()
            self._forget(asked, left_for)
            del asked  # it holds the error, whose traceback holds this frame

    def _encode(self, loop: asyncio.AbstractEventLoop, asked: Asked[E, A]) -> None:
        size = sum(len(text.encode()) for text in asked.texts)
        if not self._yielding and size <= self._model.appetite.encoded_at_once:
            self._enqueue(asked, encode(self._model, asked.texts))
            return
        try:
            asked.reading = loop.run_in_executor(self._encoding, encode, self._model, asked.texts)
        except RuntimeError as failure:  # the system gives no thread
            asked.fail(ModelFailed.of(failure))
            return
        self._being_encoded += len(asked.texts)
        asked.reading.add_done_callback(partial(self._read, asked))

    def _read(self, asked: Asked[E, A], reading: "asyncio.Future[Sequence[E] | Exception]") -> None:
        """A thread has encoded the texts of a request, or has not since nobody waits any more."""
        self._being_encoded -= len(asked.texts)
        if reading.cancelled():
            asked.fail(Draining())
        elif (failure := reading.exception()) is not None:
            asked.fail(ModelFailed.of(failure))
        else:
            self._enqueue(asked, reading.result())

    def _enqueue(self, asked: Asked[E, A], encoded: Sequence[E] | Exception) -> None:
        if asked.is_over:
            return
        if self._gave_up:
            asked.fail(Draining())
            return
        if isinstance(encoded, Exception):
            asked.fail(ModelFailed.of(encoded))
            return
        if len(encoded) != len(asked.texts):
            asked.fail(ModelFailed(f"{len(encoded)} encoded of {len(asked.texts)} texts"))
            return
        now = self._clock()
        self._observer.encoded(now - asked.since)
        asked.encoded(encoded, now)
        for job in asked.jobs:
            self._waiting.add(job)
        self._dispatch()

    def _forget(self, asked: Asked[E, A], left_for: str) -> None:
        """Whatever happened, nothing of a request stays behind: not in the queue, not as an unread exception."""
        if len(asked.answers) < len(asked.texts):
            left = sum(map(self._waiting.discard, asked.jobs)) if asked.jobs else len(asked.texts)
            if left:
                self._observer.dropped(left, left_for)
        asked.forget()

    def _dispatch(self, free: float | None = None) -> None:
        """A batch for every computing thread that has none. `free` is when one ended the batch before: what lies between counts."""
        while len(self._running) < self._runners and len(self._waiting):
            now = self._clock()
            taken = self._waiting.take(now)
            if taken.expired:
                self._observer.dropped(len(taken.expired), DeadlinePassed.reason)
                fail(taken.expired, DeadlinePassed)
            if taken.batch:
                self._compute(taken.batch, now, now if free is None else free)

    def _compute(self, batch: Sequence[Job[E, A]], started: float, since: float) -> None:
        run = Run(batch, sum(job.tokens for job in batch), started, since)
        self._running.add(run)
        self._being_computed += run.tokens
        loop = asyncio.get_running_loop()
        try:
            self._computing.submit(self._work, run, loop)
        except RuntimeError as failure:  # the system gives no thread
            run.outcome = failure
            loop.call_soon(self._computed, run)

    def _work(self, run: Run[E, A], loop: asyncio.AbstractEventLoop) -> None:
        """On a computing thread. A future of asyncio's around one of the thread's would cost a tenth of what a text costs the loop."""
        run.work(self._model)
        with suppress(RuntimeError):  # the loop has ended: the drain was given up
            loop.call_soon_threadsafe(self._computed, run)

    def _computed(self, run: Run[E, A]) -> None:
        if run not in self._running:  # it waited in the pool for a thread, and was failed
            return
        self._running.discard(run)
        self._being_computed -= run.tokens
        batch, computed = run.over()
        if not isinstance(computed, Computed):
            failure = computed
            self._observer.dropped(len(batch), ModelFailed.reason)
            fail(batch, lambda: ModelFailed.of(failure))
            self._dispatch()
            return
        for job, answer in zip(batch, computed.answers, strict=True):
            job.asked.answer(job.place, answer)
        free = self._clock()
        self._learn(run.tokens, len(batch), free - run.since)
        self._dispatch(free)
        waits = [run.started - job.arrived for job in batch]
        padded = batch[-1].tokens * len(batch)
        self._observer.computed(BatchReport(run.tokens, padded, waits, computed.infer_s, computed.output_s))

    def _learn(self, tokens: int, texts: int, seconds: float) -> None:
        """How fast it goes and how long texts are, smoothed over batches."""
        pace = tokens / max(seconds, 1e-6) * self._runners
        known = math.isfinite(self._tokens_per_s)
        self._tokens_per_s = self._tokens_per_s + _SMOOTHING * (pace - self._tokens_per_s) if known else pace
        self._tokens_per_text += _SMOOTHING * (tokens / texts - self._tokens_per_text)

    def _give_up(self) -> None:
        self._gave_up = True
        taken = self._waiting.take(math.inf)
        self._observer.dropped(len(taken.expired), Draining.reason)
        for batch in (taken.expired, *(run.batch for run in self._running)):
            fail(batch, Draining)
