"""Texts on their way through the batcher, and the requests that they belong to."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic

from services.intent.model import A, E
from services.intent.serving.waiting import Priority


@dataclass(slots=True, eq=False)
class Asked(Generic[E, A]):
    """One request: its texts, the answers that are there by the place of their text, and who waits for all.

    `since` and `expires` are of the batcher's clock. `jobs` are its texts once they are encoded; `reading` is a thread's work at that.
    """

    texts: Sequence[str]
    since: float
    expires: float
    priority: Priority
    whole: asyncio.Future[None]
    answers: dict[int, A] = field(default_factory=dict)
    jobs: "Sequence[Job[E, A]]" = ()
    reading: asyncio.Future[Sequence[E] | Exception] | None = None

    @property
    def is_over(self) -> bool:
        """Nobody waits any more."""
        return self.whole.done()

    def encoded(self, texts: Sequence[E], now: float) -> None:
        """All of them, in order."""
        self.jobs = [
            Job(each, each.tokens, now, self.expires, self.priority, place, self) for place, each in enumerate(texts)
        ]

    def answer(self, place: int, answer: A) -> None:
        self.answers[place] = answer
        if len(self.answers) == len(self.texts) and not self.whole.done():
            self.whole.set_result(None)

    def fail(self, error: Exception) -> None:
        if not self.whole.done():
            self.whole.set_exception(error)

    def forget(self) -> None:
        """Nobody waits, and an error that nobody has read is none that was lost. Its texts, which know it, it lets go."""
        self.jobs = ()
        if self.reading is not None:
            self.reading.cancel()
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
    asked: Asked[E, A]


def fail(jobs: Sequence[Job[E, A]], error: Callable[[], Exception]) -> None:
    for job in jobs:
        job.asked.fail(error())
