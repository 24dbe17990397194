"""What recommend owns: the catalogue, what people did with it, campaigns, and copies of suitability verdicts.

`changed_in` is the transaction that wrote a row. A reader that remembers the oldest transaction still running at its
last look (`pg_snapshot_xmin`) and asks for rows changed in that one or a later one misses none, whatever the clocks say.
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.types import UserDefinedType

from services.kit.database import new_metadata
from services.kit.stream import add_stream_tables

metadata = new_metadata()


class TransactionId(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id, which never wraps around."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


def _changed_in() -> sa.Column[str]:
    return sa.Column("changed_in", TransactionId, nullable=False, server_default=sa.text("pg_current_xact_id()"))


def _tenant() -> sa.Column[str]:
    return sa.Column("tenant_id", sa.Text, primary_key=True)


def _moment(name: str, *, default: bool = False, nullable: bool = False) -> sa.Column[object]:
    now = sa.text("now()") if default else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=now)


items = sa.Table(
    "items",
    metadata,
    _tenant(),
    sa.Column("item_id", sa.Text, primary_key=True),
    sa.Column("title", pg.JSONB, nullable=False),  # text by locale; `und` when the locale was not said
    sa.Column("categories", pg.ARRAY(sa.Text), nullable=False),  # the first is the item's domain
    sa.Column("price_amount", sa.Numeric),
    sa.Column("price_currency", sa.Text),
    sa.Column("language", sa.Text),
    sa.Column("description", pg.JSONB),
    sa.Column("status", sa.Text, nullable=False),
    _moment("published_at", nullable=True),
    _moment("created_at", default=True),
    _moment("updated_at", default=True),
    _changed_in(),
    sa.Index("ix_items_changed_in", "changed_in"),
)

# What people did with an item, counted as events arrive; `heat` is explained in popularity.py.
item_counts = sa.Table(
    "item_counts",
    metadata,
    _tenant(),
    sa.Column("item_id", sa.Text, primary_key=True),
    sa.Column("views", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("purchases", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("completions", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("refunds", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("ratings", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("rating_total", sa.Double, nullable=False, server_default="0"),
    sa.Column("heat", sa.Double, nullable=False, server_default="0"),
    _changed_in(),
    sa.Index("ix_item_counts_changed_in", "changed_in"),
)

interactions = sa.Table(
    "interactions",
    metadata,
    _tenant(),
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("item_id", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("value", sa.Double),
    _moment("occurred_at"),
    sa.Index("ix_interactions_person", "tenant_id", "user_id", sa.text("occurred_at DESC")),
)

campaigns = sa.Table(
    "campaigns",
    metadata,
    _tenant(),
    sa.Column("campaign_id", sa.Text, primary_key=True),
    sa.Column("definition", pg.JSONB, nullable=False),
    _moment("created_at", default=True),
    _moment("updated_at", default=True),
    _changed_in(),
    sa.Index("ix_campaigns_changed_in", "changed_in"),
)

# Copied from insurance's stream: the latest verdict for each kind of product.
verdicts = sa.Table(
    "verdicts",
    metadata,
    _tenant(),
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("suitable_for", sa.Text, primary_key=True),
    sa.Column("outcome", sa.Text, nullable=False),
    _moment("recorded_at"),
    _moment("expires_at"),
)

stream_tables = add_stream_tables(metadata)
