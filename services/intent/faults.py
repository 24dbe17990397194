"""What a caller is told when texts are not understood."""

from typing import Any

from services.intent.serving.engine import NoModel
from services.intent.serving.failures import DeadlinePassed, Draining, QueueFull
from services.kit.errors import DeadlineExceeded, Problem, ServiceError, TooManyRequests, Unavailable

TOLD: dict[int | str, dict[str, Any]] = {
    429: {"model": Problem, "description": "The queue is full: `queue_full`, with Retry-After"},
    503: {"model": Problem, "description": "No model is loaded yet, or the process is about to end"},
    504: {"model": Problem, "description": "The deadline passed first: `deadline_exceeded`"},
}


class Overloaded(TooManyRequests):
    code = "queue_full"


def problem(failure: QueueFull | DeadlinePassed | NoModel | Draining) -> ServiceError:
    """An error of the engine as a caller is told it."""
    match failure:
        case QueueFull():
            return Overloaded("Too many texts are waiting.", retry_after_s=failure.retry_after_s)
        case DeadlinePassed():
            return DeadlineExceeded("The deadline passed before the texts were understood.")
        case NoModel() | Draining():
            return Unavailable("The model is being loaded, or this process is about to end.")
