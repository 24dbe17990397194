"""A request's texts at the engine: until its deadline, and for as long as its caller is there."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import Request

from services.intent.faults import problem
from services.intent.serving.engine import NoModel
from services.intent.serving.failures import DeadlinePassed, Draining, QueueFull
from services.kit.app import deadline_of
from services.kit.disconnect import while_connected

T = TypeVar("T")


async def asked(request: Request, ask: Callable[[float], Awaitable[T]]) -> T:
    """What `ask(expires)` gives; `request` has been read. Raises the engine's errors as problems, and `ClientGone`."""
    try:
        return await while_connected(request.scope, request.receive, ask(deadline_of(request).at))
    except (QueueFull, DeadlinePassed, NoModel, Draining) as failure:
        raise problem(failure) from failure
