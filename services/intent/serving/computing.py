"""What happens on the threads: texts are encoded, a batch goes through the model."""

import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic

from services.intent.model import A, E, L, Model
from services.intent.serving.jobs import Job

LEAST = 19
"""The least priority that Linux knows."""


@dataclass(frozen=True, slots=True)
class Computed(Generic[A]):
    """One answer for each text of a batch, and what it took in seconds."""

    answers: Sequence[A]
    infer_s: float
    output_s: float


@dataclass(slots=True, eq=False)
class Run(Generic[E, A]):
    """A batch at work, and how that ended. It was `started` at a moment, and is charged `since` the end of the batch before."""

    batch: Sequence[Job[E, A]]
    tokens: int
    started: float
    since: float
    outcome: Computed[A] | BaseException = field(default_factory=RuntimeError)

    def work(self, model: Model[E, L, A]) -> None:
        """On a computing thread. Whatever the model raises is an outcome, an exit among them."""
        try:
            self.outcome = compute(model, [job.encoded for job in self.batch])
        except BaseException as failure:  # noqa: BLE001  told to whoever asked
            self.outcome = failure

    def over(self) -> tuple[Sequence[Job[E, A]], Computed[A] | BaseException]:
        """The batch and its outcome, once: the traceback of an error leads to this run, which lets go of both lest they stay."""
        batch, outcome = self.batch, self.outcome
        self.batch, self.outcome = (), RuntimeError()
        return batch, outcome


def encode(model: Model[E, L, A], texts: Sequence[str]) -> Sequence[E] | Exception:
    """What the model raises, this gives; an exit it raises."""
    try:
        return model.encode(texts)
    except Exception as failure:  # noqa: BLE001  told to whoever asked
        return failure


def compute(model: Model[E, L, A], encoded: Sequence[E]) -> Computed[A]:
    """Raises what the model raises, and ValueError when it gives another number of answers than texts."""
    started = time.perf_counter()
    try:
        logits = model.run(encoded)
        inferred = time.perf_counter()
        answers = model.decode(logits)
    except StopIteration as ended:  # the one error that no future takes: whoever waits for it would wait for ever
        raise RuntimeError("the model raised StopIteration") from ended
    if len(answers) != len(encoded):
        raise ValueError(f"{len(answers)} answers for {len(encoded)} texts")
    return Computed(answers, inferred - started, time.perf_counter() - inferred)


def give_way(by: int) -> None:
    """The calling thread works behind the event loop, so that a refusal need not wait for a batch. Linux counts nice by thread."""
    if by and sys.platform == "linux":
        thread = threading.get_native_id()
        niceness = os.getpriority(os.PRIO_PROCESS, thread) + by
        os.setpriority(os.PRIO_PROCESS, thread, min(LEAST, niceness))
