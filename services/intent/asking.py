"""A request's texts at the engine: until its deadline, and for as long as its caller is there."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import Request

from services.intent.faults import told
from services.kit.app import deadline_of, finish_late
from services.kit.disconnect import while_connected

T = TypeVar("T")

GRACE_S = 0.05
"""The batcher ends what is late by itself, and says so; what it has in time may still go out."""


async def asked(request: Request, ask: Callable[[float], Awaitable[T]]) -> T:
    """What `ask(expires)` gives; `request` has been read. Raises the engine's errors as problems, and `ClientGone`."""
    finish_late(request, GRACE_S)
    with told():
        return await while_connected(request.receive, ask(deadline_of(request).at))
