"""Work for somebody who has left is not done: the answer's tasks end with its connection."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.types import Receive

T = TypeVar("T")

CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a caller that left before the answer; only metrics ever see it."""


class ClientGone(Exception):
    """The caller closed the connection before the answer was ready."""


async def while_connected(receive: Receive, work: Awaitable[T]) -> T:
    """The result of `work`, which is cancelled when the caller leaves: then ClientGone. The body must have been read."""
    if (here := asyncio.current_task()) is None:
        raise RuntimeError("there is no task to cancel")
    gone = False

    async def watch() -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = True
        here.cancel()

    watching = asyncio.create_task(watch())
    try:
        return await work
    except asyncio.CancelledError:
        if not gone or here.uncancel() > 0:
            raise  # It was not the caller who ended it.
        raise ClientGone from None
    finally:
        watching.cancel()
