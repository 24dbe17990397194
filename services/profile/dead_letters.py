"""What could not be kept, until it is replayed or forgotten."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.database import driver
from services.profile.bulk import BulkInsert, Column
from services.profile.tables import dead_letters

Source = Literal["batch", "import"]

DEAD_LETTERS = BulkInsert(
    "dead_letters",
    [
        Column("tenant_id", "text"),
        Column("dead_letter_id", "text"),
        Column("source", "text"),
        Column("code", "text"),
        Column("param", "text"),
        Column("detail", "text"),
        Column("payload", "text"),
        Column("received_at", "timestamptz"),
    ],
    "ON CONFLICT DO NOTHING",
)


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """Something refused, with the reason."""

    code: str
    param: str
    detail: str
    payload: str

    def identity(self, source: Source) -> str:
        digest = hashlib.blake2b(f"{source}\x1f{self.payload}".encode("utf-8", "surrogatepass"), digest_size=16)
        return f"dl_{digest.hexdigest()}"


async def bury(
    connection: AsyncConnection, tenant_id: str, source: Source, refused: Iterable[Undeliverable], received_at: datetime
) -> None:
    """Keep what was refused. The same mistake sent again is kept once."""
    rows = {
        each.identity(source): (
            tenant_id, each.identity(source), source, each.code, each.param, each.detail, each.payload, received_at
        )
        for each in refused
    }  # fmt: skip
    if rows:
        await DEAD_LETTERS.write(await driver(connection), [rows[identity] for identity in sorted(rows)])


async def page_of(
    connection: AsyncConnection, tenant_id: str, *, limit: int, after: tuple[datetime, str] | None
) -> list[dict[str, Any]]:
    """Up to `limit` dead letters, oldest first, after the given (received_at, id)."""
    order = (dead_letters.c.received_at, dead_letters.c.dead_letter_id)
    query = select(dead_letters).where(dead_letters.c.tenant_id == tenant_id).order_by(*order).limit(limit)
    if after:
        query = query.where(tuple_(*order) > tuple_(*after))
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def take(
    connection: AsyncConnection, tenant_id: str, *, identities: Sequence[str] | None, limit: int
) -> list[dict[str, Any]]:
    """Dead letters to try again, locked until the transaction ends; those that another replay holds are passed over."""
    query = select(dead_letters).where(dead_letters.c.tenant_id == tenant_id)
    if identities is not None:
        query = query.where(dead_letters.c.dead_letter_id.in_(identities))
    query = query.order_by(dead_letters.c.received_at, dead_letters.c.dead_letter_id).limit(limit)
    return [dict(row) for row in (await connection.execute(query.with_for_update(skip_locked=True))).mappings()]


async def settle(
    connection: AsyncConnection, tenant_id: str, done: Sequence[str], still: Sequence[tuple[str, Undeliverable]]
) -> None:
    """Forget what could be kept now; note why the others still cannot."""
    mine = dead_letters.c.tenant_id == tenant_id
    if done:
        await connection.execute(delete(dead_letters).where(mine, dead_letters.c.dead_letter_id.in_(done)))
    for identity, why in still:
        await connection.execute(
            update(dead_letters)
            .where(mine, dead_letters.c.dead_letter_id == identity)
            .values(code=why.code, param=why.param, detail=why.detail, replays=dead_letters.c.replays + 1)
        )
