"""Declared facts into the database: per fact the newest declaration wins, in whatever order they arrive."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.database import driver
from services.kit.stream import Envelope, publish
from services.profile.bulk import BulkInsert, Column
from services.profile.facts import Facts
from services.profile.messages import Message
from services.profile.tables import person_facts, stream_tables

FACTS = BulkInsert(
    "person_facts",
    [
        Column("tenant_id", "text"),
        Column("user_id", "text"),
        Column("fact", "text"),
        Column("value", "text", stored_as="jsonb"),
        Column("declared_at", "timestamptz"),
    ],
    """ON CONFLICT (tenant_id, user_id, fact) DO UPDATE SET value = excluded.value, declared_at = excluded.declared_at
       WHERE held.declared_at <= excluded.declared_at""",
)


async def declare(connection: AsyncConnection, messages: Sequence[Message]) -> None:
    """Store what identify messages declare, and publish it."""
    said = [message for message in messages if message.facts]
    if not said:
        return
    rows: dict[tuple[str, str, str], tuple[Any, ...]] = {}
    for message in sorted(said, key=lambda message: message.event.occurred_at):
        event = message.event
        for fact, value in (message.facts or {}).items():
            key = (event.tenant_id, event.user_id, fact)
            rows[key] = (*key, orjson.dumps(value).decode(), event.occurred_at)
    await FACTS.write(await driver(connection), [rows[key] for key in sorted(rows)])
    await publish(connection, stream_tables, [_identified(message) for message in said])


def _identified(message: Message) -> Envelope:
    event = message.event
    return Envelope(
        type="person.identified",
        tenant_id=event.tenant_id,
        subject=event.user_id,
        occurred_at=event.occurred_at,
        received_at=event.received_at,
        data={"message_id": event.message_id, "user_id": event.user_id, "facts": message.facts},
    )


async def facts_of(connection: AsyncConnection, tenant_id: str, user_id: str) -> Facts:
    """What is declared of one person now."""
    query = select(person_facts.c.fact, person_facts.c.value).filter_by(tenant_id=tenant_id, user_id=user_id)
    declared: Mapping[str, Any] = {row.fact: row.value for row in await connection.execute(query)}
    return Facts.model_validate(declared)
