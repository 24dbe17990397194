"""What a caller is told when texts are not understood."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from services.intent.serving.batcher import DeadlinePassed, Draining, QueueFull
from services.intent.serving.engine import NoModel
from services.kit.errors import DeadlineExceeded, Problem, TooManyRequests, Unavailable

TOLD: dict[int | str, dict[str, Any]] = {
    429: {"model": Problem, "description": "The queue is full: `queue_full`, with Retry-After"},
    503: {"model": Problem, "description": "No model is loaded yet, or the process is about to end"},
    504: {"model": Problem, "description": "The deadline passed first: `deadline_exceeded`"},
}


class Overloaded(TooManyRequests):
    code = "queue_full"


@contextmanager
def told() -> Iterator[None]:
    """The engine's errors as problems."""
    try:
        yield
    except QueueFull as full:
        raise Overloaded("Too many texts are waiting.", retry_after_s=full.retry_after_s) from full
    except DeadlinePassed as late:
        raise DeadlineExceeded("The deadline passed before the texts were understood.") from late
    except (NoModel, Draining) as ending:
        raise Unavailable("The model is being loaded, or this process is about to end.") from ending
