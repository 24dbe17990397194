"""Events into the database: kept once, added to their person's sums and published, in one transaction."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from operator import attrgetter, itemgetter
from typing import Any

import asyncpg
import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.database import driver
from services.kit.ids import new_id
from services.kit.telemetry import current_trace
from services.profile.bulk import BulkInsert, Column
from services.profile.events import Event
from services.profile.features import PersonSums, Sums, fold

EVENTS = BulkInsert(
    "events",
    [
        Column("tenant_id", "text"),
        Column("message_id", "text"),
        Column("user_id", "text"),
        Column("anonymous_id", "text"),
        Column("kind", "text"),
        Column("name", "text"),
        Column("item_id", "text"),
        Column("value", "numeric"),
        Column("currency", "text"),
        Column("occurred_at", "timestamptz"),
        Column("received_at", "timestamptz"),
        Column("properties", "text", stored_as="json"),
    ],
    "ON CONFLICT DO NOTHING RETURNING message_id",
)

PEOPLE = BulkInsert(
    "person_features",
    [
        Column("tenant_id", "text"),
        Column("user_id", "text"),
        Column("events", "bigint"),
        Column("first_at", "timestamptz"),
        Column("last_at", "timestamptz"),
        Column("activity", "float8"),
        Column("hours", "text", stored_as="integer[]"),
        Column("updated_at", "timestamptz"),
    ],
    """ON CONFLICT (tenant_id, user_id) DO UPDATE SET
         events = held.events + excluded.events,
         first_at = LEAST(held.first_at, excluded.first_at),
         last_at = GREATEST(held.last_at, excluded.last_at),
         activity = held.activity + excluded.activity,
         hours = ARRAY(SELECT a + b FROM unnest(held.hours, excluded.hours) WITH ORDINALITY AS two(a, b, place)
                       ORDER BY place),
         updated_at = GREATEST(held.updated_at, excluded.updated_at)""",
)

ITEMS = BulkInsert(
    "person_items",
    [
        Column("tenant_id", "text"),
        Column("user_id", "text"),
        Column("item_id", "text"),
        Column("events", "bigint"),
        Column("purchases", "bigint"),
        Column("refunds", "bigint"),
        Column("completions", "bigint"),
        Column("interest", "float8"),
        Column("paid", "float8"),
        Column("spend", "float8"),
    ],
    """ON CONFLICT (tenant_id, user_id, item_id) DO UPDATE SET
         events = held.events + excluded.events,
         purchases = held.purchases + excluded.purchases,
         refunds = held.refunds + excluded.refunds,
         completions = held.completions + excluded.completions,
         interest = held.interest + excluded.interest,
         paid = held.paid + excluded.paid,
         spend = held.spend + excluded.spend""",
)

_FIRST = itemgetter(0)
_MESSAGE_ID = attrgetter("message_id")
_OCCURRED_AT = attrgetter("occurred_at")

Row = tuple[Any, ...]

OUTBOX_COLUMNS = (
    "tenant_id", "id", "type", "schema_version", "subject", "occurred_at", "received_at", "traceparent", "data",
)  # fmt: skip


async def keep(connection: AsyncConnection, events: Sequence[Event]) -> int:
    """Store the events whose message id is new to their tenant; how many. For a trial: nobody's sums change."""
    return len(await EVENTS.write(await driver(connection), distinct(events)))


def distinct(events: Sequence[Event]) -> list[Event]:
    """The first event of each message id, in the order of the primary key."""
    return sorted({event.message_id: event for event in reversed(events)}.values(), key=_MESSAGE_ID)


async def record_events(
    connection: AsyncConnection, events: Sequence[Event], *, home_currency: str, now: datetime
) -> list[Event]:
    """Store the events of one tenant whose message id is new, add them to the sums of their people, publish them. Returns those."""
    if not events:
        return []
    rows, trace = distinct(events), current_trace().traceparent
    raw = await driver(connection)
    # Nearly always all of them are new, so they are added up while PostgreSQL looks.
    written, sums = await asyncio.gather(
        EVENTS.write(raw, rows), asyncio.to_thread(_sum_rows, rows, home_currency, now)
    )
    if len(written) < len(rows):
        fresh = {record["message_id"] for record in written}
        rows = [event for event in rows if event.message_id in fresh]
        sums = await asyncio.to_thread(_sum_rows, rows, home_currency, now)
    _, facts = await asyncio.gather(_add(raw, *sums), asyncio.to_thread(outbox_rows, rows, trace))
    await publish_events(raw, facts)
    return rows


async def _add(connection: "asyncpg.Connection[Any]", people: Sequence[Row], items: Sequence[Row]) -> None:
    await PEOPLE.write(connection, people)
    await ITEMS.write(connection, items)


def _sum_rows(kept: Sequence[Event], home_currency: str, now: datetime) -> tuple[list[Row], list[Row]]:
    """The rows of PEOPLE and ITEMS, each in the order of its primary key."""
    sums = fold(kept, home_currency)
    tenant_id = kept[0].tenant_id if kept else ""
    people = [_person_row(tenant_id, *pair, now) for pair in sorted(sums.people.items(), key=_FIRST)]
    return people, _item_rows(tenant_id, sums)


def _person_row(tenant_id: str, user_id: str, sums: PersonSums, now: datetime) -> Row:
    first, last = datetime.fromtimestamp(sums.first_at, UTC), datetime.fromtimestamp(sums.last_at, UTC)
    hours = "{" + ",".join(map(str, sums.hours)) + "}"
    return (tenant_id, user_id, sums.events, first, last, sums.activity, hours, now)


def _item_rows(tenant_id: str, sums: Sums) -> list[Row]:
    """In the order of the primary key, which sorting by person first makes cheap."""
    return [
        (tenant_id, user_id, item_id, *held)
        for user_id, of_person in sorted(sums.items.items(), key=_FIRST)
        for item_id, held in sorted(of_person.items(), key=_FIRST)
    ]


def outbox_rows(events: Iterable[Event], traceparent: str) -> list[Row]:
    """The `event.recorded` facts of track events, in the order of OUTBOX_COLUMNS."""
    return [
        (
            event.tenant_id, new_id("evt"), "event.recorded", 1, event.user_id, event.occurred_at, event.received_at,
            traceparent, _published(event),
        )
        for event in sorted(events, key=_OCCURRED_AT)
        if event.kind == "track"
    ]  # fmt: skip


def _published(event: Event) -> str:
    """The data of `event.recorded` as JSON text; `properties` is JSON text already."""
    return orjson.dumps(
        {
            "message_id": event.message_id,
            "event": event.name,
            "user_id": event.user_id,
            "anonymous_id": event.anonymous_id,
            "item_id": event.item_id,
            "value": None if event.value is None else format(event.value, "f"),
            "currency": event.currency,
            "timestamp": event.occurred_at,
            "properties": orjson.Fragment(event.properties),
        }
    ).decode()


async def publish_events(connection: "asyncpg.Connection[Any]", rows: Sequence[Row]) -> None:
    """Into the outbox by COPY: an import writes as many facts as events."""
    if rows:
        await connection.copy_records_to_table("outbox", records=rows, columns=OUTBOX_COLUMNS)
