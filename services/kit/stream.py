"""Facts between services: an outbox in the owner's database, a Redis stream, consumers that count each fact once.

The relay stamps committed outbox rows with gapless sequences, and a row's sequence is its entry id in the stream, so publishing again
is harmless and a gap shows. A consumer commits its position with the effect. Nothing is lost when Redis is: the relay publishes
again from the slowest known position, and a consumer that finds a gap asks it to rewind.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from prometheus_client import Counter, Gauge
from pydantic import Field
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError
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

from services.kit.cache import blocking
from services.kit.database import Database
from services.kit.errors import Unavailable
from services.kit.ids import new_id
from services.kit.telemetry import current_trace, get_logger
from services.kit.wire import MessageModel, Timestamp

log = get_logger(__name__)

RETENTION = timedelta(days=14)
BATCH = 1_000
_POLL_S = 0.1
_BLOCK_MS = 1_000
_LONGEST_STREAM = 100_000
_RELAY_LOCK = 0x72656C6179  # "relay": one relay a database.

PUBLISHED = Counter("kuajie_stream_published_total", "Facts put on the stream.", ["source"])
CONSUMED = Counter("kuajie_stream_consumed_total", "Facts whose effect was committed.", ["source", "consumer"])
BEHIND = Gauge(
    "kuajie_stream_lag_facts", "Facts on the stream that a consumer has not committed.", ["source", "consumer"]
)


class Envelope(MessageModel):
    """One fact, as its owner tells it."""

    id: str = Field(default_factory=lambda: new_id("evt"))
    type: str
    schema_version: int = 1
    tenant_id: str
    subject: str
    occurred_at: Timestamp
    received_at: Timestamp
    sequence: int | None = None
    traceparent: str | None = Field(default_factory=lambda: current_trace().traceparent)
    data: dict[str, Any]


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


@dataclass(frozen=True, slots=True)
class StreamKeys:
    """The Redis keys of one source; one hash tag, so that a cluster keeps them together."""

    source: str

    @property
    def stream(self) -> str:
        return f"{{kuajie:{self.source}}}:stream"

    @property
    def positions(self) -> str:
        return f"{{kuajie:{self.source}}}:positions"

    @property
    def rewind(self) -> str:
        return f"{{kuajie:{self.source}}}:rewind"

    @property
    def oldest(self) -> str:
        return f"{{kuajie:{self.source}}}:oldest"


async def last_sequence(redis: Redis, keys: StreamKeys) -> int | None:
    """The newest sequence that was put on the stream; None when there is no stream."""
    try:
        info = await redis.xinfo_stream(keys.stream)
    except ResponseError:
        return None
    last = info["last-generated-id"]
    return int((last.decode() if isinstance(last, bytes) else last).split("-")[0])


async def pause_after_fault(event: str, source: str, error: Exception, seconds: float) -> float:
    """Say what failed, wait, and return the next, longer pause (at most five seconds)."""
    log.warning(event, source=source, error=type(error).__name__, pause_s=seconds)
    await asyncio.sleep(seconds)
    return min(seconds * 2, 5.0)


class Relay:
    """Moves one owner's outbox to its stream. Any number may run; one at a time works, the others wait for its lock."""

    def __init__(self, db: Database, tables: StreamTables, redis: Redis, *, source: str) -> None:
        self._db = db
        self._outbox = tables.outbox
        self._positions = tables.positions
        self._redis = redis
        self._keys = StreamKeys(source)
        self._source = source
        self._ticks = 0

    async def run(self) -> None:
        """Relay until cancelled. A dead database or Redis is waited for."""
        pause_s = 0.2
        while True:
            try:
                async with self._db.connect() as lock:
                    if await lock.scalar(select(func.pg_try_advisory_lock(_RELAY_LOCK))):
                        pause_s = 0.2
                        await self._lead()
                await asyncio.sleep(1)
            except (Unavailable, RedisError, OSError) as error:
                pause_s = await pause_after_fault("relay_waits", self._source, error, pause_s)

    async def _lead(self) -> None:
        while True:
            if await self.relay_once() < BATCH:
                await asyncio.sleep(_POLL_S)

    async def relay_once(self) -> int:
        """Stamp and publish one batch; returns how many facts were published."""
        await self._stamp()
        top = await self._published()
        rows = await self._rows_after(top)
        if rows:
            await self._add(rows)
        self._ticks += 1
        if self._ticks % 100 == 1:
            await self._clean()
        return len(rows)

    async def backlog(self) -> int:
        """Committed facts that are not on the stream yet."""
        top = await last_sequence(self._redis, self._keys) or 0
        waiting = select(func.count()).where(self._outbox.c.sequence.is_(None) | (self._outbox.c.sequence > top))
        async with self._db.connect() as connection:
            return int(await connection.scalar(waiting) or 0)

    async def _stamp(self) -> None:
        """Number the rows that were committed since, in the order of their insertion. The head outlives the rows."""
        async with self._db.begin() as connection:
            batch = (
                select(
                    self._outbox.c.tenant_id,
                    self._outbox.c.id,
                    func.row_number().over(order_by=self._outbox.c.position).label("n"),
                )
                .where(self._outbox.c.sequence.is_(None))
                .order_by(self._outbox.c.position)
                .limit(BATCH)
                .cte("batch")
            )
            head = await self._head(connection)
            same = (self._outbox.c.tenant_id == batch.c.tenant_id) & (self._outbox.c.id == batch.c.id)
            stamped = await connection.execute(self._outbox.update().where(same).values(sequence=head + batch.c.n))
            if stamped.rowcount:
                await save_position(connection, self._positions, self._source, "relay", head + stamped.rowcount)

    async def _head(self, connection: AsyncConnection) -> int:
        return await read_position(connection, self._positions, self._source, "relay")

    async def _published(self) -> int:
        """Where to go on: the stream's end, or where consumers need it to begin again."""
        rewind = await self._redis.getdel(self._keys.rewind)
        if rewind is not None:
            await self._redis.delete(self._keys.stream)
            return int(rewind) - 1
        top = await last_sequence(self._redis, self._keys)
        return top if top is not None else await self._slowest()

    async def _slowest(self) -> int:
        """The lowest position that a consumer announced to this Redis; 0 when none did."""
        positions = await self._redis.hgetall(self._keys.positions)
        return min((int(value) for value in positions.values()), default=0)

    async def _rows_after(self, sequence: int) -> list[dict[str, Any]]:
        rows = (
            select(self._outbox)
            .where(self._outbox.c.sequence > sequence)
            .order_by(self._outbox.c.sequence)
            .limit(BATCH)
        )
        async with self._db.connect() as connection:
            return [dict(row) for row in (await connection.execute(rows)).mappings()]

    async def _add(self, rows: Sequence[dict[str, Any]]) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for row in rows:
            del row["position"]
            pipeline.xadd(
                self._keys.stream,
                {"e": orjson.dumps(row)},
                id=f"{row['sequence']}-0",
                maxlen=_LONGEST_STREAM,
                approximate=True,
            )
        for outcome in await pipeline.execute(raise_on_error=False):
            if isinstance(outcome, Exception) and not _is_already_there(outcome):
                raise outcome
        PUBLISHED.labels(self._source).inc(len(rows))

    async def _clean(self) -> None:
        """Forget what every consumer has, and rows beyond the retention."""
        slowest = await self._slowest()
        if slowest:
            await self._redis.xtrim(self._keys.stream, minid=f"{slowest}-0", approximate=True)
        old = self._outbox.c.sequence.is_not(None) & (self._outbox.c.received_at < func.now() - RETENTION)
        async with self._db.begin() as connection:
            await connection.execute(self._outbox.delete().where(old))
            oldest = await connection.scalar(select(func.min(self._outbox.c.sequence)))
        await self._redis.set(self._keys.oldest, int(oldest or 1))


def _is_already_there(error: Exception) -> bool:
    """XADD refuses an id that is not above the last: another relay, or a try before, put the entry there."""
    return isinstance(error, ResponseError) and "equal or smaller" in str(error)


async def read_position(
    connection: AsyncConnection, positions: Table, source: str, consumer: str, *, lock: bool = False
) -> int:
    """The last committed sequence of `consumer`; 0 before the first."""
    where = (positions.c.source == source) & (positions.c.consumer == consumer)
    query = select(positions.c.sequence).where(where)
    return int(await connection.scalar(query.with_for_update() if lock else query) or 0)


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


Handle = Callable[[AsyncConnection, Sequence[Envelope]], Awaitable[None]]


class Consumer:
    """Applies one source's facts to this service's own database, each exactly once."""

    def __init__(
        self, db: Database, tables: StreamTables, redis: Redis, *, source: str, name: str, handle: Handle
    ) -> None:
        self._db = db
        self._positions = tables.positions
        self._redis = redis
        self._keys = StreamKeys(source)
        self._source = source
        self._name = name
        self._handle = handle

    async def run(self) -> None:
        """Consume until cancelled. A fault is said and tried again; a fact is never skipped."""
        pause_s = 0.2
        reader = blocking(self._redis, block_ms=_BLOCK_MS)
        try:
            while True:
                try:
                    await self.consume_once(reader)
                    pause_s = 0.2
                except (Unavailable, RedisError, OSError) as error:
                    pause_s = await pause_after_fault("consumer_waits", self._source, error, pause_s)
                except Exception as error:
                    log.exception("consumer_failed", source=self._source, consumer=self._name)
                    pause_s = await pause_after_fault("consumer_waits", self._source, error, pause_s)
        finally:
            await reader.aclose()

    async def consume_once(self, reader: Redis, *, block_ms: int = _BLOCK_MS) -> int:
        """Read and apply one batch; returns how many facts were applied."""
        async with self._db.connect() as connection:
            position = await read_position(connection, self._positions, self._source, self._name)
        await self._redis.hset(self._keys.positions, self._name, position)
        batch = await self._read(reader, position, block_ms)
        if not batch or await self._asked_to_rewind(position, batch[0]):
            return 0
        applied = await self._apply(batch)
        CONSUMED.labels(self._source, self._name).inc(applied)
        return applied

    async def lag(self) -> int:
        """Facts on the stream that are not committed here."""
        async with self._db.connect() as connection:
            position = await read_position(connection, self._positions, self._source, self._name)
        behind = max(0, (await last_sequence(self._redis, self._keys) or 0) - position)
        BEHIND.labels(self._source, self._name).set(behind)
        return behind

    async def _read(self, reader: Redis, position: int, block_ms: int) -> list[Envelope]:
        answer = await reader.xread({self._keys.stream: f"{position}-0"}, count=BATCH, block=block_ms)
        streams = list(answer.values()) if isinstance(answer, dict) else [entries for _, entries in answer or []]
        entries = _flatten(streams[0]) if streams else []
        return await asyncio.to_thread(lambda: [Envelope.model_validate_json(fields[b"e"]) for _, fields in entries])

    async def _asked_to_rewind(self, position: int, first: Envelope) -> bool:
        """Whether facts between our position and the stream are still to be had from the owner; then ask for them."""
        wanted = position + 1
        if first.sequence is None or first.sequence <= wanted:
            return False
        oldest = int(await self._redis.get(self._keys.oldest) or 1)
        if first.sequence <= max(wanted, oldest):
            if position:  # A new consumer begins where the owner's memory begins; an old one has lost facts.
                log.error("stream_gap", source=self._source, consumer=self._name, missing=first.sequence - wanted)
            return False
        asked = await self._redis.get(self._keys.rewind)
        if asked is None or int(asked) > wanted:
            await self._redis.set(self._keys.rewind, max(wanted, oldest))
        await asyncio.sleep(_POLL_S * 2)
        return True

    async def _apply(self, batch: Sequence[Envelope]) -> int:
        async with self._db.begin() as connection:
            position = await read_position(connection, self._positions, self._source, self._name, lock=True)
            fresh = [each for each in batch if (each.sequence or 0) > position]
            if fresh:
                await self._handle(connection, fresh)
                await save_position(connection, self._positions, self._source, self._name, fresh[-1].sequence or 0)
        return len(fresh)


def _flatten(entries: Any) -> list[Any]:
    """RESP3 nests a stream's entries one level deeper than RESP2."""
    return entries[0] if entries and isinstance(entries[0], list) else entries
