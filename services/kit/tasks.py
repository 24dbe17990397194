"""Background work that ends with its owner, and not before."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from prometheus_client import Counter

from services.kit.telemetry import get_logger

log = get_logger(__name__)

Work = Callable[[], Coroutine[Any, Any, None]]

_CANCEL_AGAIN_S = 0.5
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0

DIED = Counter("kuajie_background_failures_total", "Times that background work died and was begun again.", ["task"])


@asynccontextmanager
async def background(*work: Work) -> AsyncIterator[None]:
    """Run `work` while the block runs, then cancel it and wait until it is gone. What dies is said, and begun again after a pause."""
    tasks = [asyncio.create_task(_kept_up(each), name=_name(each)) for each in work]
    try:
        yield
    finally:
        await _end(tasks)


async def _kept_up(work: Work) -> None:
    """Until it returns. The pause doubles as long as it keeps dying."""
    pause_s = _FIRST_PAUSE_S
    while True:
        begun = time.monotonic()
        try:
            return await work()
        except Exception:  # nobody else would notice: webhooks, or facts, would just stop
            DIED.labels(_name(work)).inc()
            pause_s = _FIRST_PAUSE_S if time.monotonic() - begun > _LONGEST_PAUSE_S else pause_s
            log.exception("background_task_died", task=_name(work), again_in_s=pause_s)
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _name(work: Work) -> str:
    inner = work.func if isinstance(work, partial) else work
    return str(getattr(inner, "__qualname__", "background"))


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel until all are gone: before Python 3.12 `asyncio.wait_for`, and with it drivers, may swallow a cancellation."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_AGAIN_S)
