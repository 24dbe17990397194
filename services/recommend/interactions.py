"""Interactions as they are stored: taken from profile's stream in bulk, read back for one person, exported."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from prometheus_client import Counter
from pydantic import Field, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.stream import Envelope
from services.kit.telemetry import get_logger
from services.kit.wire import MessageModel
from services.recommend.interaction import COMPLETED, PURCHASED, RATED, REFUNDED, VIEWED, WEIGHTS, Interaction, owned
from services.recommend.popularity import heat
from services.recommend.tables import interactions

log = get_logger(__name__)

UNREADABLE = Counter("kuajie_recommend_unreadable_facts_total", "Facts of others that could not be read.", ["type"])

# Each event counts once: what was there before is neither inserted nor counted.
_RECORD = sa.text(f"""
WITH given AS (
  SELECT * FROM unnest(
    CAST(:tenants AS text[]), CAST(:events AS text[]), CAST(:users AS text[]), CAST(:items AS text[]),
    CAST(:types AS text[]), CAST(:amounts AS float8[]), CAST(:moments AS timestamptz[]), CAST(:heats AS float8[]))
    AS g(tenant_id, event_id, user_id, item_id, type, value, occurred_at, heat)),
fresh AS (
  INSERT INTO interactions (tenant_id, event_id, user_id, item_id, type, value, occurred_at)
  SELECT tenant_id, event_id, user_id, item_id, type, value, occurred_at FROM given
  ON CONFLICT DO NOTHING
  RETURNING tenant_id, event_id),
counted AS (
  SELECT tenant_id, item_id,
    count(*) FILTER (WHERE type = '{VIEWED}') AS views,
    count(*) FILTER (WHERE type = '{PURCHASED}') AS purchases,
    count(*) FILTER (WHERE type = '{COMPLETED}') AS completions,
    count(*) FILTER (WHERE type = '{REFUNDED}') AS refunds,
    count(value) FILTER (WHERE type = '{RATED}') AS ratings,
    coalesce(sum(value) FILTER (WHERE type = '{RATED}'), 0) AS rating_total,
    sum(heat) AS heat
  FROM given JOIN fresh USING (tenant_id, event_id) GROUP BY tenant_id, item_id)
INSERT INTO item_counts AS sofar (
  tenant_id, item_id, views, purchases, completions, refunds, ratings, rating_total, heat)
SELECT * FROM counted
ON CONFLICT (tenant_id, item_id) DO UPDATE SET
  views = sofar.views + excluded.views, purchases = sofar.purchases + excluded.purchases,
  completions = sofar.completions + excluded.completions, refunds = sofar.refunds + excluded.refunds,
  ratings = sofar.ratings + excluded.ratings, rating_total = sofar.rating_total + excluded.rating_total,
  heat = sofar.heat + excluded.heat, changed_in = pg_current_xact_id()
""")  # noqa: S608  the constants are ours

# The latest interactions; and, however long ago they were, the latest purchase and refund of each item.
_PAST = sa.text(f"""
(SELECT true, item_id, type, extract(epoch FROM occurred_at)::float8, value FROM interactions
 WHERE tenant_id = :tenant AND user_id = :user ORDER BY occurred_at DESC LIMIT :length)
UNION ALL
(SELECT false, item_id, type, extract(epoch FROM max(occurred_at))::float8, NULL FROM interactions
 WHERE tenant_id = :tenant AND user_id = :user AND type IN ('{PURCHASED}', '{REFUNDED}') GROUP BY item_id, type)
""")  # noqa: S608  the constants are ours


@dataclass(frozen=True, slots=True)
class Past:
    """A person's latest interactions, oldest first, and every item that the person owns."""

    history: tuple[Interaction, ...]
    owned: frozenset[str]


class RecordedEvent(MessageModel):
    """What profile says of an event, as far as it concerns an item."""

    event: str
    user_id: str | None = None
    item_id: str | None = None
    value: float | None = None
    properties: dict[str, Any] = Field(default_factory=dict)


async def consume(connection: AsyncConnection, envelopes: Sequence[Envelope]) -> None:
    """Store what the events of one batch say of people and items."""
    rows = [row for each in envelopes if each.type == "event.recorded" and (row := _row(each))]
    if rows:
        names = ("tenants", "events", "users", "items", "types", "amounts", "moments", "heats")
        columns = [list(column) for column in zip(*rows, strict=True)]
        await connection.execute(_RECORD, dict(zip(names, columns, strict=True)))


Row = tuple[str, str, str, str, str, float | None, datetime, float]


def _row(envelope: Envelope) -> Row | None:
    try:
        event = RecordedEvent.model_validate(envelope.data)
    except ValidationError:
        UNREADABLE.labels(envelope.type).inc()
        log.error("fact_unreadable", type=envelope.type, sequence=envelope.sequence)
        return None
    if event.event not in WEIGHTS or not event.user_id or not event.item_id:
        return None
    value = _rating(event) if event.event == RATED else event.value
    # A clock ahead of ours must not make an event of today the hottest of the coming year.
    happened = min(envelope.occurred_at, envelope.received_at)
    added = heat(WEIGHTS[event.event], happened.timestamp())
    return envelope.tenant_id, envelope.id, event.user_id, event.item_id, event.event, value, happened, added


def _rating(event: RecordedEvent) -> float | None:
    rating = event.properties.get("rating", event.value)
    return float(rating) if isinstance(rating, int | float) and not isinstance(rating, bool) else None


async def past(connection: AsyncConnection, tenant_id: str, user_id: str, *, length: int) -> Past:
    """A person's latest `length` interactions, and what the person owns; one query."""
    parameters = {"tenant": tenant_id, "user": user_id, "length": length}
    latest: list[Interaction] = []
    trades: list[Interaction] = []
    for recent, *row in (await connection.execute(_PAST, parameters)).all():
        (latest if recent else trades).append(Interaction(*row))
    return Past(tuple(reversed(latest)), owned(trades))


async def export(connection: AsyncConnection, tenant_id: str) -> AsyncIterator[sa.RowMapping]:
    """Every interaction, person by person, oldest first, read through a server-side cursor."""
    c = interactions.c
    query = (
        sa.select(c.user_id, c.item_id, c.type, c.value, c.occurred_at.label("timestamp"))
        .where(c.tenant_id == tenant_id)
        .order_by(c.user_id, c.occurred_at)
        .execution_options(yield_per=2_000)
    )
    async with connection.stream(query) as rows:
        async for row in rows.mappings():
            yield row
