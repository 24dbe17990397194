"""Hourly counts by topic in the database, and how they are summed up for a reader."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.monitor.counts import Counts, wilson
from services.intent.monitor.document_schemas import SeriesPoint
from services.intent.tables import monitor as tables

hours = tables.hours
NO_SOURCE = ""

Place = tuple[str, datetime, str]
"""A topic, an hour of publication in UTC, a source."""


async def count(connection: AsyncConnection, tenant_id: str, found: Mapping[Place, Counts]) -> None:
    """Add to the hours. In the order of the key, so that two who count at once wait for each other in a line."""
    for topic, hour, source in sorted(found):
        more = found[topic, hour, source]
        columns = {name: getattr(more, name) for name in Counts.__slots__}
        row = upsert(hours).values(tenant_id=tenant_id, topic=topic, hour=hour, source=source, **columns)
        grown = {name: hours.c[name] + row.excluded[name] for name in columns}
        await connection.execute(row.on_conflict_do_update(index_elements=list(hours.primary_key), set_=grown))


async def read(
    connection: AsyncConnection,
    tenant_id: str,
    *,
    since: datetime,
    until: datetime,
    topic: str | None = None,
    source: str | None = None,
) -> dict[str, dict[datetime, Counts]]:
    """Counts by topic and hour, over all sources unless one is named; hours without documents are left out."""
    c = hours.c
    sums = [func.sum(c[name]).label(name) for name in Counts.__slots__]
    query = select(c.topic, c.hour, *sums).where(c.tenant_id == tenant_id, c.hour >= since, c.hour < until)
    if topic is not None:
        query = query.where(c.topic == topic)
    if source is not None:
        query = query.where(c.source == source)
    found: dict[str, dict[datetime, Counts]] = {}
    for row in (await connection.execute(query.group_by(c.topic, c.hour))).mappings():
        values = {name: row[name] for name in Counts.__slots__}
        found.setdefault(row["topic"], {})[row["hour"]] = Counts(**values)
    return found


def points(by_hour: Mapping[datetime, Counts], edges: Sequence[tuple[datetime, datetime]]) -> list[SeriesPoint]:
    """Every step (begin, end), in the order of time, empty ones included."""
    ordered = sorted(by_hour.items())
    place, found = 0, []
    for begin, end in edges:
        total = Counts()
        while place < len(ordered) and ordered[place][0] < end:
            if ordered[place][0] >= begin:
                total += ordered[place][1]
            place += 1
        found.append(_point(begin, end, total))
    return found


def _point(begin: datetime, end: datetime, total: Counts) -> SeriesPoint:
    low, high = wilson(total.negatives, total.documents)
    share = round(total.negatives / total.documents, 4) if total.documents else None
    counts = {name: getattr(total, name) for name in Counts.__slots__}
    return SeriesPoint(
        begin=begin, end=end, negative_share=share, share_low=round(low, 4), share_high=round(high, 4), **counts
    )
