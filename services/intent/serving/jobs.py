"""Texts on their way through the batcher, and the requests that they belong to."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic

from services.intent.model import A, E
from services.intent.serving.waiting import Priority


@dataclass(slots=True, eq=False)
class Asked(Generic[A]):
    """One request: the answers that are there by the place of their text, how many are not, and who waits for all."""

    answers: dict[int, A]
    left: int
    whole: asyncio.Future[None]

    def answer(self, place: int, answer: A) -> None:
        self.answers[place] = answer
        self.left -= 1
        if not self.left and not self.whole.done():
            self.whole.set_result(None)

    def fail(self, error: Exception) -> None:
        if not self.whole.done():
            self.whole.set_exception(error)

    def forget(self) -> None:
        """Nobody waits, and an error that nobody has read is none that was lost."""
        if not self.whole.cancel() and not self.whole.cancelled():
            self.whole.exception()


@dataclass(slots=True, eq=False)
class Job(Generic[E, A]):
    """A text of a request, ready for the model; `arrived` and `expires` are of the batcher's clock."""

    encoded: E
    tokens: int
    arrived: float
    expires: float
    priority: Priority
    place: int
    asked: Asked[A]


def fail(jobs: Sequence[Job[E, A]], error: Callable[[], Exception]) -> None:
    for job in jobs:
        job.asked.fail(error())
