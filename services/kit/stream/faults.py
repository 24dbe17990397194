"""What relays and consumers do when PostgreSQL or Redis is away: say it, wait, go on."""

import asyncio
from collections.abc import Awaitable, Callable

from redis.exceptions import RedisError

from services.kit.errors import Unavailable
from services.kit.telemetry import get_logger

log = get_logger(__name__)

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0


async def forever(step: Callable[[], Awaitable[None]], *, what: str, source: str) -> None:
    """Repeat `step` until cancelled. A fault is logged and tried again after a pause that doubles; it never ends the loop."""
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            await step()
            pause_s = _FIRST_PAUSE_S
            continue
        except (Unavailable, RedisError, OSError) as error:
            log.warning("waiting", what=what, source=source, error=type(error).__name__, pause_s=pause_s)
        except Exception:  # a fact that cannot be taken must be seen and tried again, not end the worker
            log.exception("failed", what=what, source=source, pause_s=pause_s)
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
