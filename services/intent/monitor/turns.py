"""Whose batch of documents is next. In the database a tenant's batches wait for each other on connections that others need: here
they wait without one, and where too many would, they are refused.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from services.kit.errors import TooManyRequests

PATIENCE_S = 3.0
"""A batch that waits, or would, for longer is refused: its deadline would pass, and the work be done for nothing."""

_GUESSED_S = 0.3

_SMOOTHING = 0.3


class TooManyBatches(TooManyRequests):
    code = "too_many_batches"


@dataclass(slots=True)
class _Line:
    """A tenant's batches, the one at work included."""

    free: asyncio.Lock = field(default_factory=asyncio.Lock)
    batches: int = 0


class Turns:
    """One batch of a tenant at a time and `at_once` of all; kept by one process."""

    def __init__(self, at_once: int, patience_s: float = PATIENCE_S) -> None:
        self._room = asyncio.Semaphore(at_once)
        self._patience_s = patience_s
        self._lines: dict[str, _Line] = {}
        self.turn_s = _GUESSED_S

    def learn(self, seconds: float) -> None:
        """How long a turn took; `turn_s` is that, smoothed."""
        self.turn_s += _SMOOTHING * (seconds - self.turn_s)

    @asynccontextmanager
    async def turn(self, tenant_id: str) -> AsyncIterator[None]:
        """The block runs when it is the tenant's turn. Raises TooManyBatches where that would take too long."""
        line = self._lines.setdefault(tenant_id, _Line())
        if (wait_s := line.batches * self.turn_s) > self._patience_s:
            raise _too_many(wait_s)
        line.batches += 1
        try:
            await self._wait(line)
            try:
                async with self._room:
                    with self._timed():
                        yield
            finally:
                line.free.release()
        finally:
            line.batches -= 1
            if not line.batches:
                del self._lines[tenant_id]

    @contextmanager
    def _timed(self) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            self.learn(time.monotonic() - begun)

    async def _wait(self, line: _Line) -> None:
        try:
            async with asyncio.timeout(self._patience_s):
                await line.free.acquire()
        except TimeoutError as error:
            raise _too_many(self._patience_s) from error


def _too_many(wait_s: float) -> TooManyBatches:
    return TooManyBatches("Too many batches at a time: send fewer.", retry_after_s=math.ceil(wait_s))
