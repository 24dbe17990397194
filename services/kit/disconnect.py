"""Work for somebody who has left is not done: the answer's tasks end with its connection."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from starlette.types import Receive, Scope

T = TypeVar("T")

CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a caller that left before the answer; only metrics ever see it."""

DEPARTURE = "kuajie.departure"
"""Where a request's ASGI scope has its `Departure`, when the server tells one."""


class ClientGone(Exception):
    """The caller closed the connection before the answer was ready."""


class Departure:
    """That a caller hangs up, as the connection tells it: for a task that listens, every request would pay.

    A connection has one, since it answers one request at a time.
    """

    __slots__ = ("_told", "has_happened")

    def __init__(self) -> None:
        self.has_happened = False
        self._told: Callable[[], None] | None = None

    def happens(self) -> None:
        self.has_happened = True
        if self._told is not None:
            self._told()

    def tell(self, told: Callable[[], None]) -> None:
        """Call `told`, and nobody else, when it happens."""
        self._told = told

    def forget(self, told: Callable[[], None]) -> None:
        """Where the request after it is told by now, that stays: one that ends late has sent its answer before."""
        if self._told is told:
            self._told = None


async def while_connected(scope: Scope, receive: Receive, work: Awaitable[T]) -> T:
    """The result of `work`, which is cancelled when the caller leaves: then ClientGone. The body must have been read."""
    if (here := asyncio.current_task()) is None:
        raise RuntimeError("there is no task to cancel")
    gone = False

    def leave() -> None:
        nonlocal gone
        gone = True
        here.cancel()

    end = _follow(scope, receive, leave)
    try:
        return await work
    except asyncio.CancelledError:
        if not gone or here.uncancel() > 0:
            raise  # It was not the caller who ended it.
        raise ClientGone from None
    finally:
        end()


def _follow(scope: Scope, receive: Receive, leave: Callable[[], None]) -> Callable[[], object]:
    """Have `leave` called when the caller leaves; gives what ends that. Under another server than ours a task listens.

    Never at once: work that waits for nothing would be done, and the cancellation hit whatever the task waits for next.
    """
    departure: Departure | None = scope.get(DEPARTURE)
    if departure is None:
        return asyncio.create_task(_listen(receive, leave)).cancel
    if departure.has_happened:
        return asyncio.get_running_loop().call_soon(leave).cancel
    departure.tell(leave)
    return partial(departure.forget, leave)


async def _listen(receive: Receive, leave: Callable[[], None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    leave()
