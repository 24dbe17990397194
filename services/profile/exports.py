"""Exports as NDJSON, page by page by key: no transaction stays open, and memory does not grow with the table."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from services.profile.features import Features, ItemFacts, describe
from services.profile.people import ITEMS_OF_PAGE, item_facts, person_sums
from services.profile.portraits import utc_offset_h
from services.profile.resources import Resources
from services.profile.tables import person_features

PEOPLE_A_PAGE = 1000
EVENTS_A_PAGE = 5000

_PEOPLE = sa.text(
    """
    SELECT f.*, d.value AS timezone
    FROM person_features f
    LEFT JOIN person_facts d ON d.tenant_id = f.tenant_id AND d.user_id = f.user_id AND d.fact = 'timezone'
    WHERE f.tenant_id = :tenant_id AND f.user_id > :after ORDER BY f.user_id LIMIT :limit
    """
).columns(timezone=JSONB)

_EVENTS = sa.text(
    """
    SELECT message_id, user_id, anonymous_id, kind, name, item_id, value::text, currency, occurred_at, received_at,
           properties::text
    FROM events WHERE tenant_id = :tenant_id AND message_id > :after AND kind <> 'identify'
    ORDER BY message_id LIMIT :limit
    """
)

_FEATURE_NAMES = tuple(field.name for field in fields(Features))


async def latest_event(resources: Resources, tenant_id: str) -> datetime | None:
    """When the last event of the tenant happened: the natural moment to read a population at."""
    query = sa.select(sa.func.max(person_features.c.last_at)).where(person_features.c.tenant_id == tenant_id)
    async with resources.db.connect() as connection:
        latest: datetime | None = await connection.scalar(query)
        return latest


async def export_features(resources: Resources, tenant_id: str, as_of: datetime) -> AsyncIterator[bytes]:
    """One person a line, in the order of their ids: `user_id`, `as_of` and every field of `Features` at that moment."""
    after = ""
    while True:
        async with resources.db.connect() as connection:
            key = {"tenant_id": tenant_id, "after": after}
            people = (await connection.execute(_PEOPLE, {**key, "limit": PEOPLE_A_PAGE})).mappings().all()
            if not people:
                return
            last = people[-1]["user_id"]
            home = resources.settings.home_currency
            items = (await connection.execute(ITEMS_OF_PAGE, {**key, "last": last, "home_currency": home})).all()
        yield await asyncio.to_thread(_feature_lines, people, items, as_of, resources.settings.home_timezone)
        after = last


def _feature_lines(people: Sequence[sa.RowMapping], items: Sequence[Any], as_of: datetime, home_timezone: str) -> bytes:
    by_person: defaultdict[str, list[ItemFacts]] = defaultdict(list)
    for row in items:
        by_person[row[0]].append(item_facts(row))
    lines = []
    for person in people:
        offset = utc_offset_h(str(person["timezone"] or home_timezone), as_of)
        held = by_person[person["user_id"]]
        features = describe(person_sums(person), held, as_of=as_of.timestamp(), utc_offset_h=offset)
        values = {name: getattr(features, name) for name in _FEATURE_NAMES}
        lines.append(orjson.dumps({"user_id": person["user_id"], "as_of": as_of.astimezone(UTC), **values}))
    return b"\n".join(lines) + b"\n"


async def export_events(resources: Resources, tenant_id: str) -> AsyncIterator[bytes]:
    """One event a line, in the order of their message ids. Identify messages are left out: what they say are facts."""
    after = ""
    while True:
        async with resources.db.connect() as connection:
            parameters = {"tenant_id": tenant_id, "after": after, "limit": EVENTS_A_PAGE}
            rows = (await connection.execute(_EVENTS, parameters)).mappings().all()
        if not rows:
            return
        yield await asyncio.to_thread(_event_lines, rows)
        after = rows[-1]["message_id"]


def _event_lines(rows: Sequence[sa.RowMapping]) -> bytes:
    return b"".join(orjson.dumps({**row, "properties": orjson.Fragment(row["properties"])}) + b"\n" for row in rows)
