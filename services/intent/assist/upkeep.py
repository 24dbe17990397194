"""What the worker does by the clock: conversations that were left are closed, old transcripts deleted."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.exc import ProgrammingError

from services.intent.assist.erasure import AT_ONCE, close_idle, delete_old
from services.intent.assist.metrics import DELETED
from services.intent.settings import IntentSettings
from services.kit.database import Database
from services.kit.errors import Unavailable
from services.kit.telemetry import get_logger

log = get_logger(__name__)

EVERY_S = 60.0


async def keep_up(db: Database, settings: IntentSettings, now: Callable[[], datetime]) -> None:
    """Once a minute, for as long as the process runs; a database that is away is tried again."""
    while True:
        try:
            await tidy(db, settings, now())
        except (Unavailable, ProgrammingError) as error:
            log.warning("assist_not_tidied", reason=type(error).__name__)
        await asyncio.sleep(EVERY_S)


async def tidy(db: Database, settings: IntentSettings, now: datetime) -> None:
    """Close what was left alone, delete what is too old."""
    async with db.begin() as connection:
        await close_idle(connection, now - timedelta(seconds=settings.assist_session_s), now)
    deleted = AT_ONCE
    while deleted == AT_ONCE:
        async with db.begin() as connection:
            deleted = await delete_old(connection, now - timedelta(days=settings.assist_retention_days))
        DELETED.inc(deleted)
