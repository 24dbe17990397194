"""The tables behind a stream: the owner's outbox, and how far this service has read the streams of others."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.stream.facts import Envelope


@dataclass(frozen=True, slots=True)
class StreamTables:
    """An owner's outbox, and how far this service has read the streams of others."""

    outbox: Table
    positions: Table


def add_stream_tables(metadata: MetaData) -> StreamTables:
    """Add both tables to a service's metadata. `positions` is of the installation, not of a tenant."""
    outbox = Table(
        "outbox",
        metadata,
        Column("tenant_id", Text, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("position", BigInteger, Identity(always=True), nullable=False),
        Column("sequence", BigInteger),
        Column("type", Text, nullable=False),
        Column("schema_version", Integer, nullable=False),
        Column("subject", Text, nullable=False),
        Column("occurred_at", DateTime(timezone=True), nullable=False),
        Column("received_at", DateTime(timezone=True), nullable=False),
        Column("traceparent", Text),
        Column("data", JSONB, nullable=False),
        Index("ix_outbox_unstamped", "position", postgresql_where=text("sequence IS NULL")),
        Index("ix_outbox_sequence", "sequence", unique=True, postgresql_where=text("sequence IS NOT NULL")),
    )
    positions = Table(
        "stream_positions",
        metadata,
        Column("source", Text, primary_key=True),
        Column("consumer", Text, primary_key=True),
        Column("sequence", BigInteger, nullable=False),
        Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    )
    return StreamTables(outbox, positions)


async def publish(connection: AsyncConnection, tables: StreamTables, envelopes: Sequence[Envelope]) -> None:
    """Write facts into the outbox, in the transaction that makes them true."""
    if envelopes:
        await connection.execute(insert(tables.outbox), [each.model_dump(exclude={"sequence"}) for each in envelopes])


async def read_position(connection: AsyncConnection, positions: Table, source: str, consumer: str) -> int:
    """The last committed sequence of `consumer`; 0 before the first."""
    where = (positions.c.source == source) & (positions.c.consumer == consumer)
    return int(await connection.scalar(select(positions.c.sequence).where(where)) or 0)


async def lock_position(connection: AsyncConnection, positions: Table, source: str, consumer: str) -> int:
    """`read_position`, and no other worker of this consumer gets past here before this transaction ends."""
    first = upsert(positions).values(source=source, consumer=consumer, sequence=0)
    await connection.execute(first.on_conflict_do_nothing())
    where = (positions.c.source == source) & (positions.c.consumer == consumer)
    return int(await connection.scalar(select(positions.c.sequence).where(where).with_for_update()) or 0)


async def save_position(
    connection: AsyncConnection, positions: Table, source: str, consumer: str, sequence: int
) -> None:
    """Commit `sequence` with the effect in the same transaction."""
    row = upsert(positions).values(source=source, consumer=consumer, sequence=sequence)
    await connection.execute(
        row.on_conflict_do_update(
            index_elements=["source", "consumer"], set_={"sequence": row.excluded.sequence, "updated_at": func.now()}
        )
    )
