"""Whose batch of documents is next. In the database a tenant's batches wait for each other on connections that others need: here
they wait without one, and where too many would, they are refused.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from services.kit.errors import TooManyRequests

PATIENCE_S = 3.0
"""A batch that would wait for longer is refused at once: its deadline would pass, and the work be done for nothing."""

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

    def __init__(self, at_once: int) -> None:
        self._room = asyncio.Semaphore(at_once)
        self._lines: dict[str, _Line] = {}
        self.turn_s = 0.0

    def learn(self, seconds: float) -> None:
        """How long a turn took; `turn_s` is that, smoothed."""
        self.turn_s += _SMOOTHING * (seconds - self.turn_s)

    @asynccontextmanager
    async def turn(self, tenant_id: str) -> AsyncIterator[None]:
        """The block runs when it is the tenant's turn. Raises TooManyBatches where that would take too long."""
        line = self._lines.setdefault(tenant_id, _Line())
        if (wait_s := line.batches * self.turn_s) > PATIENCE_S:
            raise TooManyBatches("Too many batches at a time: send fewer.", retry_after_s=math.ceil(wait_s))
        line.batches += 1
        try:
            async with line.free, self._room:
                begun = time.monotonic()
                try:
                    yield
                finally:
                    self.learn(time.monotonic() - begun)
        finally:
            line.batches -= 1
            if not line.batches:
                del self._lines[tenant_id]
