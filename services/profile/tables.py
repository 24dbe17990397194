"""What profile owns. Personal data is keyed by (tenant, person), so that one person's rows are found, exported and erased."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from services.kit.database import new_metadata
from services.kit.idempotency import add_idempotency_table
from services.kit.stream import add_stream_tables

metadata = new_metadata()


def _tenant() -> sa.Column[str]:
    return sa.Column("tenant_id", sa.Text, primary_key=True)


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=True)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _real(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Double, nullable=False)


# One row a message; columns in the order of `events.Event`. The primary key is the exact de-duplication. When the table is
# partitioned by month, the keys move into a table of their own and nothing else changes.
events = sa.Table(
    "events",
    metadata,
    _tenant(),
    _key("message_id"),
    _text("user_id"),
    _text("anonymous_id", nullable=True),
    _text("kind"),
    _text("name", nullable=True),
    _text("item_id", nullable=True),
    sa.Column("value", sa.Numeric(18, 6)),
    _text("currency", nullable=True),
    _moment("occurred_at"),
    _moment("received_at"),
    sa.Column("properties", pg.JSON, nullable=False),
)

# What could not be kept, as it came, until it is replayed. The id is a hash, so that a retried mistake is stored once.
dead_letters = sa.Table(
    "dead_letters",
    metadata,
    _tenant(),
    _key("dead_letter_id"),
    _text("source"),
    _text("code"),
    _text("param"),
    _text("detail"),
    _text("payload"),
    _moment("received_at"),
    sa.Column("replays", sa.Integer, nullable=False, server_default="0"),
)

# One row a declared fact: the newest declaration wins, in whatever order they arrive.
person_facts = sa.Table(
    "person_facts",
    metadata,
    _tenant(),
    _key("user_id"),
    _key("fact"),
    sa.Column("value", pg.JSONB, nullable=False),  # JSON null where the person withdrew it
    _moment("declared_at"),
)

# `features.PersonSums`.
person_features = sa.Table(
    "person_features",
    metadata,
    _tenant(),
    _key("user_id"),
    _whole("events"),
    _moment("first_at"),
    _moment("last_at"),
    _real("activity"),
    sa.Column("hours", pg.ARRAY(sa.Integer), nullable=False),
    _moment("updated_at"),
    postgresql_with={"fillfactor": 80},  # Rows are rewritten on each event: room for it on their own page.
)

# `features.ItemSums`. An item's domain and price are joined when read, so an item that comes after its events changes nothing here.
person_items = sa.Table(
    "person_items",
    metadata,
    _tenant(),
    _key("user_id"),
    _key("item_id"),
    _whole("events"),
    _whole("purchases"),
    _whole("refunds"),
    _whole("completions"),
    _real("interest"),
    _real("paid"),
    _real("spend"),
    postgresql_with={"fillfactor": 80},
)

# Copies of what recommend publishes.
items = sa.Table(
    "items",
    metadata,
    _tenant(),
    _key("item_id"),
    _text("domain", nullable=True),
    sa.Column("price", sa.Numeric(18, 6)),
    _text("currency", nullable=True),
)

# Every answer ever recorded; rows are only added.
consents = sa.Table(
    "consents",
    metadata,
    _tenant(),
    _key("user_id"),
    _key("consent_id"),
    _text("purpose"),
    _text("recipient"),
    sa.Column("granted", sa.Boolean, nullable=False),
    _text("notice_version"),
    _moment("recorded_at"),
    _moment("received_at"),
    _moment("expires_at", nullable=True),
)

# The answer in force for each purpose and recipient: the one that was recorded last.
consent_states = sa.Table(
    "consent_states",
    metadata,
    _tenant(),
    _key("user_id"),
    _key("purpose"),
    _key("recipient"),
    _text("consent_id"),
    sa.Column("granted", sa.Boolean, nullable=False),
    _moment("recorded_at"),
    _moment("expires_at", nullable=True),
)

# How many answers a person has given. Its row is the lock that puts a person's consents in order.
consent_counts = sa.Table("consent_counts", metadata, _tenant(), _key("user_id"), _whole("recorded"))

stream_tables = add_stream_tables(metadata)
idempotency_keys = add_idempotency_table(metadata)
