"""Why the batcher gives no answer. `reason` is what metrics call it."""

from typing import ClassVar


class BatcherError(Exception):
    """The texts were not computed."""

    reason: ClassVar[str]


class QueueFull(BatcherError):
    """Refused at once: there is no room, or the deadline would pass in the queue."""

    reason = "queue_full"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"the queue is full, try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class DeadlinePassed(BatcherError):
    """The deadline passed before the answer was there."""

    reason = "deadline"


class Draining(BatcherError):
    """This process is about to end and takes no more work."""

    reason = "draining"


class ModelFailed(BatcherError):
    """The model raised, or gave another number of encodings or answers than texts."""

    reason = "model_failed"

    @classmethod
    def of(cls, failure: BaseException) -> "ModelFailed":
        """Tells the kind alone: messages may quote what was asked."""
        error = cls(type(failure).__name__)
        error.__cause__ = failure
        return error
