"""Copies of the items that recommend publishes: what interests and price sensitivity are read against."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from prometheus_client import Counter
from pydantic import Field, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.database import driver
from services.kit.money import Money
from services.kit.stream import Envelope
from services.kit.telemetry import get_logger
from services.kit.wire import MessageModel
from services.profile.bulk import BulkInsert, Column

log = get_logger(__name__)

UNREADABLE = Counter("kuajie_profile_unreadable_facts_total", "Facts of others that were not as agreed.", ["type"])

ITEMS = BulkInsert(
    "items",
    [
        Column("tenant_id", "text"),
        Column("item_id", "text"),
        Column("domain", "text"),
        Column("price", "numeric"),
        Column("currency", "text"),
    ],
    """ON CONFLICT (tenant_id, item_id)
       DO UPDATE SET domain = excluded.domain, price = excluded.price, currency = excluded.currency""",
)


class UpsertedItem(MessageModel):
    """What this service reads of `item.upserted`."""

    item_id: str
    categories: list[str] = Field(default_factory=list)
    price: Money | None = None

    @property
    def domain(self) -> str | None:
        """The first category."""
        return self.categories[0] if self.categories else None


async def copy_items(connection: AsyncConnection, envelopes: Sequence[Envelope]) -> None:
    """Store the newest state of every item in a batch of facts. One that cannot be read is counted and passed over."""
    rows: dict[tuple[str, str], tuple[Any, ...]] = {}
    for envelope in envelopes:
        if envelope.type == "item.upserted" and (item := _readable(envelope)):
            price: Decimal | None = item.price.amount if item.price else None
            currency = item.price.currency if item.price else None
            key = (envelope.tenant_id, item.item_id)
            rows[key] = (*key, item.domain, price, currency)
    if rows:
        await ITEMS.write(await driver(connection), [rows[key] for key in sorted(rows)])


def _readable(envelope: Envelope) -> UpsertedItem | None:
    try:
        return UpsertedItem.model_validate(envelope.data)
    except ValidationError:
        UNREADABLE.labels(envelope.type).inc()
        log.error("fact_unreadable", type=envelope.type, sequence=envelope.sequence)
        return None
