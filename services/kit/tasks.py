"""Background work that ends with its owner."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from services.kit.telemetry import get_logger

log = get_logger(__name__)

_CANCEL_AGAIN_S = 0.5


@asynccontextmanager
async def background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` while the block runs, then cancel it and wait until it is gone. A task that dies is logged at once."""
    tasks = [asyncio.create_task(each, name=getattr(each, "__qualname__", "background")) for each in work]
    for task in tasks:
        task.add_done_callback(_say_why)
    try:
        yield
    finally:
        await _end(tasks)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel until all are gone: before Python 3.12 `asyncio.wait_for`, and with it drivers, may swallow a cancellation."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_AGAIN_S)


def _say_why(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("background_task_died", task=task.get_name(), exc_info=error)
