"""What happens on a computing thread: batches through the model, one after the other."""

import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic

from services.intent.model import A, E, Model
from services.intent.serving.jobs import Job

LEAST = 19
"""The least priority that Linux knows."""


@dataclass(frozen=True, slots=True)
class Computed(Generic[E, A]):
    """A batch and its answers; `failure` instead of them where the model raised, or gave another number of them than texts."""

    batch: Sequence[Job[E, A]]
    answers: Sequence[A]
    infer_s: float = 0.0
    output_s: float = 0.0
    failure: Exception | None = None


def compute(model: Model[E, Any, A], batches: Sequence[Sequence[Job[E, A]]]) -> list[Computed[E, A]]:
    """Each batch without the texts that nobody waits for any more; empty ones are left out."""
    found = []
    for batch in batches:
        if wanted := [job for job in batch if not job.asked.over]:
            found.append(_computed(model, wanted))
    return found


def through(model: Model[E, Any, A], encoded: Sequence[E]) -> Sequence[A]:
    """A forward pass and its answers; what the model raises, this raises."""
    return model.decode(model.run(encoded))


def give_way(by: int) -> None:
    """The calling thread works behind the event loop, so that a refusal need not wait for a batch. Linux counts nice by thread."""
    if by and sys.platform == "linux":
        thread = threading.get_native_id()
        niceness = os.getpriority(os.PRIO_PROCESS, thread) + by
        os.setpriority(os.PRIO_PROCESS, thread, min(LEAST, niceness))


def _computed(model: Model[E, Any, A], batch: Sequence[Job[E, A]]) -> Computed[E, A]:
    started = time.perf_counter()
    try:
        logits = model.run([job.encoded for job in batch])
        inferred = time.perf_counter()
        answers = model.decode(logits)
    except Exception as failure:  # noqa: BLE001  whatever a model raises fails its own batch, and no other
        return Computed(batch, (), failure=failure)
    if len(answers) != len(batch):
        return Computed(batch, (), failure=ValueError(f"{len(answers)} answers for {len(batch)} texts"))
    return Computed(batch, answers, inferred - started, time.perf_counter() - inferred)
