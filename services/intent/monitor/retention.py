"""How long things are kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, select, tuple_

from services.intent.tables import monitor as tables
from services.kit.database import Database

BATCH = 5_000
DELIVERIES = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Kept:
    """`near` is how long a document's bands are of use."""

    documents: timedelta
    series: timedelta
    near: timedelta


async def forget_old(db: Database, kept: Kept, now: datetime) -> int:
    """Delete what is too old, in batches of their own transactions; how many rows that were."""
    d, b, h, s, a = (each.c for each in (tables.documents, tables.bands, tables.hours, tables.surges, tables.alerts))
    n, i, v = tables.notifications.c, tables.silences.c, tables.deliveries.c
    series, sent = now - kept.series, now - DELIVERIES
    return sum(
        [
            # A document may join a cluster as late as it may come in.
            await _forget(db, tables.bands, b.published_at < now - kept.documents - kept.near),
            await _forget(db, tables.documents, d.published_at < now - kept.documents),
            await _forget(db, tables.hours, h.hour < series),
            await _forget(db, tables.surges, (s.last_hour < series) & s.ended_at.is_not(None)),
            await _forget(db, tables.alerts, (a.opened_at < series) & (a.status == "resolved")),
            await _forget(db, tables.silences, i.ends_at < series),
            await _forget(db, tables.deliveries, v.created_at < sent),
            await _forget(db, tables.notifications, n.created_at < sent),
        ]
    )


async def _forget(db: Database, table: Table, old: ColumnElement[Any]) -> int:
    key = tuple_(*table.primary_key.columns)
    gone = 0
    while True:
        async with db.begin() as connection:
            rows = select(*table.primary_key.columns).where(old).limit(BATCH)
            deleted = (await connection.execute(delete(table).where(key.in_(rows)))).rowcount
        gone += deleted
        if deleted < BATCH:
            return gone
