"""From the outbox to the stream."""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import orjson
from prometheus_client import Counter
from redis.asyncio import Redis
from sqlalchemy import RowMapping, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.database import Database
from services.kit.stream.faults import forever
from services.kit.stream.keys import StreamKeys, last_sequence
from services.kit.stream.outbox import StreamTables, read_position, save_position

RETENTION = timedelta(days=14)
BATCH = 1_000
_POLL_S = 0.1
_IDLE_POLLS = 10
_STANDBY_S = 1.0
_PATIENCE_S = 6.0
_LONGEST_STREAM = 100_000
_RELAY_LOCK = 0x72656C6179  # "relay": one relay a database.

PUBLISHED = Counter("kuajie_stream_published_total", "Facts put on the stream.", ["source"])


# One call a batch costs half of what a pipeline does. XADD refuses an id that is not above the last: that entry is there already.
_APPEND = """
for i = 2, #ARGV, 2 do
  local answer = redis.pcall('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], ARGV[i], 'e', ARGV[i + 1])
  if type(answer) == 'table' and answer.err and not string.find(answer.err, 'equal or smaller') then return answer end
end
return #ARGV
"""


class Relay:
    """Moves one owner's outbox to its stream. Any number may run; one at a time works, the others wait for its lock."""

    def __init__(self, db: Database, tables: StreamTables, redis: Redis, *, source: str) -> None:
        self._db = db
        self._outbox = tables.outbox
        self._positions = tables.positions
        self._redis = redis
        self._keys = StreamKeys(source)
        self._append = redis.register_script(_APPEND)
        self._source = source
        self._ticks = 0

    async def run(self) -> None:
        """Relay until cancelled. A dead database or Redis is waited for."""
        await forever(self._lead, what="relay", source=self._source)

    async def _lead(self) -> None:
        async with self._db.connect() as lock:
            idle_polls = 0
            while (waiting := await self._look(lock)) is not None:
                idle_polls = 0 if waiting else idle_polls + 1
                if (
                    idle_polls % _IDLE_POLLS == 0
                ):  # Something waits, or it is time to see whether the stream is still whole.
                    while await self.relay_once() == BATCH:
                        pass
                await asyncio.sleep(_POLL_S)
        await asyncio.sleep(_STANDBY_S)

    async def _look(self, lock: AsyncConnection) -> bool | None:
        """Whether facts wait to be stamped; None when another relay leads. One statement, so that idling costs little."""
        unstamped = select(self._outbox.c.position).where(self._outbox.c.sequence.is_(None)).exists()
        row = (await lock.execute(select(func.pg_try_advisory_xact_lock(_RELAY_LOCK), unstamped))).one()
        return bool(row[1]) if row[0] else None

    async def relay_once(self) -> int:
        """Stamp and publish one batch; returns how many facts were published."""
        await self._stamp()
        top = await self._published()
        rows = await self._rows_after(top)
        if rows:
            await self._add(rows)
        self._ticks += 1
        if self._ticks % 30 == 1:
            await self._clean()
        return len(rows)

    async def backlog(self) -> int:
        """Committed facts that are not on the stream yet, and that a consumer still waits for."""
        top = await last_sequence(self._redis, self._keys)
        if top is None:
            top = await self._slowest()
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
        return top if top is not None else await self._begin_again()

    async def _begin_again(self) -> int:
        """Where a new stream begins. Consumers announce themselves to a new Redis: worth a wait before much is repeated."""
        async with self._db.connect() as connection:
            patience_s = _PATIENCE_S if await self._head(connection) > BATCH else 0.0
        until = time.monotonic() + patience_s
        while not (slowest := await self._slowest()) and time.monotonic() < until:  # noqa: ASYNC110  Redis is not ours to wake us
            await asyncio.sleep(_POLL_S)
        return slowest

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
            return [_fact(row) for row in (await connection.execute(rows)).mappings()]

    async def _add(self, rows: Sequence[dict[str, Any]]) -> None:
        entries: list[str | bytes | int] = [_LONGEST_STREAM]
        for row in rows:
            entries += [f"{row['sequence']}-0", orjson.dumps(row)]
        await self._append(keys=[self._keys.stream], args=entries)
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


def _fact(row: RowMapping) -> dict[str, Any]:
    return {str(name): value for name, value in row.items() if name != "position"}
