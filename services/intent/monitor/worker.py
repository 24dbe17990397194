"""What nobody waits for, as long as the process has the role `worker`: classification, detection, delivery, forgetting.

A database that is away, or not migrated yet, is waited for.
"""

import asyncio
import time
from datetime import UTC, datetime

from sqlalchemy.exc import ProgrammingError

from services.intent.monitor.classifying import AT_ONCE, NotNow, TooMany, classify_some
from services.intent.monitor.delivering import deliver_one, waiting
from services.intent.monitor.detecting import Detection, detect
from services.intent.monitor.metrics import DETECTION_LAG
from services.intent.monitor.outbound import Outbound
from services.intent.monitor.retention import Kept, forget_old
from services.intent.monitor.sealing import Sealer
from services.intent.monitor.waiting import pending
from services.intent.serving.engine import Engine
from services.kit.database import Database
from services.kit.errors import Unavailable
from services.kit.telemetry import get_logger

log = get_logger(__name__)

IDLE_S = 1.0
AWAY_S = 3.0
FORGET_EVERY_S = 3600.0


async def classify(db: Database, engine: Engine) -> None:
    """Classify what waits until cancelled; a model that is away is waited for. Where many are too many, fewer are tried."""
    most = AT_ONCE
    while True:
        try:
            done = await classify_some(db, engine, datetime.now(UTC), most)
            most = min(AT_ONCE, 2 * most)
            async with db.connect() as connection:
                await pending(connection)
        except TooMany:
            log.warning("documents_take_long", documents=most)
            most = max(1, most // 2)
            continue
        except (NotNow, Unavailable, ProgrammingError) as reason:
            log.warning("documents_wait", reason=type(reason).__name__)
            await asyncio.sleep(AWAY_S)
            continue
        if not done:
            await asyncio.sleep(IDLE_S)


async def watch(db: Database, detection: Detection, *, every_s: float) -> None:
    """Look for surges every `every_s` seconds until cancelled."""
    begun = time.monotonic()
    while True:
        try:
            await detect(db, detection, datetime.now(UTC))
        except (Unavailable, ProgrammingError) as reason:
            log.warning("surges_not_looked_for", reason=type(reason).__name__)
        else:
            DETECTION_LAG.observe(time.monotonic() - begun)
            begun = time.monotonic()
        await asyncio.sleep(every_s)


async def deliver(db: Database, outbound: Outbound, sealer: Sealer) -> None:
    """Send what is due until cancelled. Several of these share the work; a slow receiver holds up one of them."""
    while True:
        try:
            done = await deliver_one(db, outbound, sealer, datetime.now(UTC))
            if not done:
                async with db.connect() as connection:
                    await waiting(connection)
        except (Unavailable, ProgrammingError) as reason:
            log.warning("deliveries_wait", reason=type(reason).__name__)
            done = False
        if not done:
            await asyncio.sleep(IDLE_S)


async def forget(db: Database, kept: Kept) -> None:
    """Delete what is older than it is kept, every hour until cancelled."""
    while True:
        try:
            await forget_old(db, kept, datetime.now(UTC))
        except (Unavailable, ProgrammingError) as reason:
            log.warning("old_rows_stay", reason=type(reason).__name__)
        await asyncio.sleep(FORGET_EVERY_S)
