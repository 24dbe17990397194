"""The catalogue as it is stored: bulk upsert with its facts for the stream, one item, pages, export."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.errors import NotFound
from services.kit.money import Money
from services.kit.pagination import Page, decode_cursor, encode_cursor
from services.kit.stream import Envelope, publish
from services.recommend.item_schemas import Item, ItemIn
from services.recommend.tables import items, stream_tables

ROWS_A_STATEMENT = 5_000

# One parameter whatever the number of rows; a row that says what is stored already is left alone and not returned.
_UPSERT = sa.text("""
INSERT INTO items AS stored (
  tenant_id, item_id, title, categories, price_amount, price_currency, language, description, status, published_at)
SELECT :tenant, r.item_id, r.title, r.categories, r.price_amount, r.price_currency, r.language, r.description,
  r.status, r.published_at
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  item_id text, title jsonb, categories text[], price_amount numeric, price_currency text, language text,
  description jsonb, status text, published_at timestamptz)
ORDER BY r.item_id
ON CONFLICT (tenant_id, item_id) DO UPDATE SET
  title = excluded.title, categories = excluded.categories, price_amount = excluded.price_amount,
  price_currency = excluded.price_currency, language = excluded.language, description = excluded.description,
  status = excluded.status, published_at = excluded.published_at,
  updated_at = now(), changed_in = pg_current_xact_id()
WHERE (stored.title, stored.categories, stored.price_amount, stored.price_currency, stored.language,
       stored.description, stored.status, stored.published_at)
  IS DISTINCT FROM (excluded.title, excluded.categories, excluded.price_amount, excluded.price_currency,
       excluded.language, excluded.description, excluded.status, excluded.published_at)
RETURNING item_id
""")


async def upsert(connection: AsyncConnection, tenant_id: str, batch: Sequence[ItemIn]) -> int:
    """Insert or replace `batch` (unique by item_id) and tell the stream; returns how many were new or different."""
    changed: set[str] = set()
    for start in range(0, len(batch), ROWS_A_STATEMENT):
        rows = orjson.dumps([_row(item) for item in batch[start : start + ROWS_A_STATEMENT]]).decode()
        changed.update((await connection.execute(_UPSERT, {"tenant": tenant_id, "rows": rows})).scalars())
    now = datetime.now(UTC)
    facts = [_fact(tenant_id, item, now) for item in batch if item.item_id in changed]
    await publish(connection, stream_tables, facts)
    return len(changed)


def _row(item: ItemIn) -> dict[str, Any]:
    price = item.price
    return {
        "item_id": item.item_id,
        "title": item.title,
        "categories": item.categories,
        "price_amount": None if price is None else str(price.amount),
        "price_currency": None if price is None else price.currency,
        "language": item.language,
        "description": item.description,
        "status": item.status,
        "published_at": item.published_at,
    }


def _fact(tenant_id: str, item: ItemIn, now: datetime) -> Envelope:
    data = item.model_dump(mode="json", exclude={"description"})
    return Envelope(
        type="item.upserted",
        tenant_id=tenant_id,
        subject=item.item_id,
        occurred_at=now,
        received_at=now,
        data=data,
    )


async def get(connection: AsyncConnection, tenant_id: str, item_id: str) -> Item:
    """One item; raises NotFound."""
    query = sa.select(items).where(items.c.tenant_id == tenant_id, items.c.item_id == item_id)
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFound("No such item.", param="item_id")
    return _item(row)


async def page(
    connection: AsyncConnection, tenant_id: str, *, category: str | None, cursor: str | None, limit: int
) -> Page[Item]:
    """Items in the order of their ids, those of one category when it is given."""
    query = sa.select(items).where(items.c.tenant_id == tenant_id).order_by(items.c.item_id).limit(limit + 1)
    if category is not None:
        query = query.where(items.c.categories.contains([category]))
    if cursor is not None:
        (after,) = decode_cursor("items", cursor, str)
        query = query.where(items.c.item_id > after)
    rows = (await connection.execute(query)).mappings().all()
    data = [_item(row) for row in rows[:limit]]
    more = len(rows) > limit
    return Page[Item](data=data, has_more=more, next_cursor=encode_cursor("items", data[-1].item_id) if more else None)


async def export(connection: AsyncConnection, tenant_id: str) -> AsyncIterator[Item]:
    """Every item in the order of their ids, read through a server-side cursor."""
    query = sa.select(items).where(items.c.tenant_id == tenant_id).order_by(items.c.item_id)
    async with connection.stream(query.execution_options(yield_per=1_000)) as rows:
        async for row in rows.mappings():
            yield _item(row)


def _item(row: sa.RowMapping) -> Item:
    price = None
    if row["price_amount"] is not None:
        price = Money(amount=row["price_amount"], currency=row["price_currency"])
    return Item.model_validate({**row, "price": price})
