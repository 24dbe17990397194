"""The database's wishes made true in this process, about once a second; and told back how far it has come."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy.exc import ProgrammingError

from services.intent import model_store
from services.intent.serving.agreement import Tally
from services.intent.serving.desired import Desired
from services.intent.serving.registry import Registry, Standing
from services.kit.database import Database
from services.kit.errors import Unavailable
from services.kit.tasks import background
from services.kit.telemetry import get_logger

log = get_logger(__name__)

EVERY_S = 1.0
TELL_AGAIN_S = 5.0
DATABASE_S = 3.0
"""How long a round waits for the database, so that no wish waits for as long as a statement may take."""


class Reconciler:
    """A lost or silent database, or one that is not migrated yet, leaves everything as it is: what was read last still holds."""

    def __init__(self, db: Database, registry: Registry, tally: Tally) -> None:
        self._db = db
        self._registry = registry
        self._tally = tally
        self._process = f"{socket.gethostname()}-{os.getpid()}-{id(self):x}"
        self._hurry = asyncio.Event()
        self._told: tuple[float, dict[str, Standing]] = (-TELL_AGAIN_S, {})

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Reconcile and report while the block runs."""
        async with background(self._reconcile, self._report):
            yield
        with suppress(Unavailable, ProgrammingError, TimeoutError):
            async with asyncio.timeout(DATABASE_S), self._db.begin() as connection:
                await model_store.withdraw(connection, self._process)

    def hurry(self) -> None:
        """Look at once: something was asked for here."""
        self._hurry.set()

    async def _reconcile(self) -> None:
        """What was read last holds as long as nothing newer can be read: at a start, that nothing is wanted."""
        desired = Desired()
        while True:
            self._hurry.clear()
            async with (
                _kept_alive("models_not_looked_up"),
                asyncio.timeout(DATABASE_S),
                self._db.connect() as connection,
            ):
                desired = await model_store.desired(connection)
            async with _kept_alive("models_not_reconciled"):
                await self._registry.towards(desired)
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await self._hurry.wait()

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            async with _kept_alive("models_not_reported"):
                await self._tell()

    async def _tell(self) -> None:
        told_at, told = self._told
        standings, sums = self._registry.standings(), self._tally.take()
        if not sums and standings == told and time.monotonic() - told_at < TELL_AGAIN_S:
            return
        try:
            async with asyncio.timeout(DATABASE_S), self._db.begin() as connection:
                await model_store.add_agreements(connection, sums)
                await model_store.report(connection, self._process, standings)
        except BaseException:
            self._tally.add_all(sums)
            raise
        self._told = (time.monotonic(), standings)


@asynccontextmanager
async def _kept_alive(event: str) -> AsyncIterator[None]:
    """One round may fail: it is said, and the next one comes. A round that is left out changes nothing of what is served."""
    try:
        yield
    except (Unavailable, ProgrammingError, TimeoutError) as error:
        log.warning(event, reason=type(error).__name__)
    except Exception:  # ending here would leave every later wish unheard
        log.exception(event)
