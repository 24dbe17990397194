"""Hourly counts by topic in the database, and how they are summed up for a reader."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, DateTime, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.monitor.counts import Counts, wilson
from services.intent.monitor.document_schemas import SeriesPoint
from services.intent.tables import monitor as tables

hours = tables.hours
NO_SOURCE = ""

Place = tuple[str, datetime, str]
"""A topic, an hour of publication in UTC, a source."""

Where = TypeVar("Where", datetime, int)


async def count(connection: AsyncConnection, tenant_id: str, found: Mapping[Place, Counts]) -> None:
    """Add to the hours. In the order of the key, so that two who count at once wait for each other in a line."""
    for topic, hour, source in sorted(found):
        more = found[topic, hour, source]
        columns = {name: getattr(more, name) for name in Counts.__slots__}
        row = upsert(hours).values(tenant_id=tenant_id, topic=topic, hour=hour, source=source, **columns)
        grown = {name: hours.c[name] + row.excluded[name] for name in columns}
        await connection.execute(row.on_conflict_do_update(index_elements=list(hours.primary_key), set_=grown))


async def by_hour(
    connection: AsyncConnection, tenant_id: str, *, since: datetime, until: datetime
) -> dict[str, dict[datetime, Counts]]:
    """Counts by topic and hour, over all sources; hours without documents are left out."""
    c = hours.c
    return await _sums(connection, c.hour, [c.tenant_id == tenant_id, c.hour >= since, c.hour < until])


async def by_step(
    connection: AsyncConnection,
    tenant_id: str,
    edges: Sequence[tuple[datetime, datetime]],
    *,
    topic: str | None = None,
    source: str | None = None,
) -> dict[str, dict[int, Counts]]:
    """Counts by topic and number of the step, over all sources unless one is named; steps without documents are left out.

    `edges` are consecutive steps. They are summed up where the hours are: a year of all topics has a hundred thousand.
    """
    c = hours.c
    begins = literal([begin for begin, _ in edges], ARRAY(DateTime(timezone=True)))
    wanted = [c.tenant_id == tenant_id, c.hour >= edges[0][0], c.hour < edges[-1][1]]
    wanted += [column == value for column, value in ((c.topic, topic), (c.source, source)) if value is not None]
    return await _sums(connection, func.width_bucket(c.hour, begins) - 1, wanted)


async def _sums(
    connection: AsyncConnection, place: ColumnElement[Where], wanted: Sequence[ColumnElement[bool]]
) -> dict[str, dict[Where, Counts]]:
    c = hours.c
    sums = [func.sum(c[name]).label(name) for name in Counts.__slots__]
    query = select(c.topic, place.label("place"), *sums).where(*wanted).group_by(c.topic, "place")
    found: dict[str, dict[Where, Counts]] = {}
    for row in (await connection.execute(query)).mappings():
        values = {name: row[name] for name in Counts.__slots__}
        found.setdefault(row["topic"], {})[row["place"]] = Counts(**values)
    return found


def points(counts: Mapping[int, Counts], edges: Sequence[tuple[datetime, datetime]]) -> list[SeriesPoint]:
    """Every step (begin, end), in the order of time, empty ones included."""
    return [_point(begin, end, counts.get(number, Counts())) for number, (begin, end) in enumerate(edges)]


def _point(begin: datetime, end: datetime, total: Counts) -> SeriesPoint:
    low, high = wilson(total.negatives, total.documents)
    share = round(total.negatives / total.documents, 4) if total.documents else None
    counts = {name: getattr(total, name) for name in Counts.__slots__}
    return SeriesPoint(
        begin=begin, end=end, negative_share=share, share_low=round(low, 4), share_high=round(high, 4), **counts
    )
