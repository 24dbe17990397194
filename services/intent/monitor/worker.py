"""What nobody waits for: classification, as long as the process has the role `worker`."""

import asyncio
from datetime import UTC, datetime

from services.intent.monitor.classifying import NotNow, classify_some, pending
from services.intent.serving.engine import Engine
from services.kit.database import Database
from services.kit.errors import Unavailable
from services.kit.telemetry import get_logger

log = get_logger(__name__)

IDLE_S = 1.0
AWAY_S = 3.0


async def classify(db: Database, engine: Engine) -> None:
    """Classify what waits until cancelled; a database or a model that is away is waited for."""
    while True:
        try:
            done = await classify_some(db, engine, datetime.now(UTC))
            async with db.connect() as connection:
                await pending(connection)
        except (NotNow, Unavailable) as reason:
            log.warning("documents_wait", reason=type(reason).__name__)
            await asyncio.sleep(AWAY_S)
            continue
        if not done:
            await asyncio.sleep(IDLE_S)
