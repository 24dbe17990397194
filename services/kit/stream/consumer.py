"""From the stream into another service's database."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from prometheus_client import Counter, Gauge
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.cache import blocking
from services.kit.database import Database
from services.kit.stream.facts import Envelope
from services.kit.stream.faults import forever
from services.kit.stream.keys import StreamKeys, last_sequence
from services.kit.stream.outbox import StreamTables, lock_position, read_position, save_position
from services.kit.telemetry import get_logger

log = get_logger(__name__)

BATCH = 1_000
_BLOCK_MS = 1_000
_REWIND_PAUSE_S = 0.2

CONSUMED = Counter("kuajie_stream_consumed_total", "Facts whose effect was committed.", ["source", "consumer"])
BEHIND = Gauge(
    "kuajie_stream_lag_facts", "Facts on the stream that a consumer has not committed.", ["source", "consumer"]
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
        reader = blocking(self._redis, block_ms=_BLOCK_MS)

        async def step() -> None:
            await self.consume_once(reader)

        try:
            await forever(step, what=f"consumer {self._name}", source=self._source)
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
        await asyncio.sleep(_REWIND_PAUSE_S)
        return True

    async def _apply(self, batch: Sequence[Envelope]) -> int:
        async with self._db.begin() as connection:
            position = await lock_position(connection, self._positions, self._source, self._name)
            fresh = [each for each in batch if (each.sequence or 0) > position]
            if fresh:
                await self._handle(connection, fresh)
                await save_position(connection, self._positions, self._source, self._name, fresh[-1].sequence or 0)
        return len(fresh)


def _flatten(entries: Any) -> list[Any]:
    """RESP3 nests a stream's entries one level deeper than RESP2."""
    return entries[0] if entries and isinstance(entries[0], list) else entries
