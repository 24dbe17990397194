"""The service's tables; `tenant_id` leads every primary key, but for state of the installation. Understanding needs none of them."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Float, Index, Table, Text, func, text

from services.intent.assist.tables import add_assist_tables
from services.intent.monitor.tables import add_monitor_tables
from services.kit.database import new_metadata
from services.kit.idempotency import add_idempotency_table

metadata = new_metadata()
idempotency_keys = add_idempotency_table(metadata)
monitor = add_monitor_tables(metadata)
assist = add_assist_tables(metadata)

# Models are the installation's: one set of processes answers for all tenants, see docs/decisions/0008-models-of-the-installation.md.
model_wishes = Table(
    "model_wishes",
    metadata,
    Column("version", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("share", Float),
    Column("previous", Text),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("role IN ('serving', 'shadow', 'loaded')", name="role"),
    Index("uq_model_wishes_role", "role", unique=True, postgresql_where=text("role <> 'loaded'")),
)
model_standings = Table(
    "model_standings",
    metadata,
    Column("process", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("seen_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
model_agreements = Table(
    "model_agreements",
    metadata,
    Column("version", Text, primary_key=True),
    Column("against", Text, primary_key=True),
    Column("language", Text, primary_key=True),
    Column("texts", BigInteger, nullable=False),
    Column("same_label", BigInteger, nullable=False),
    Column("same_scope", BigInteger, nullable=False),
    Column("same_sentiment", BigInteger, nullable=False),
    Column("confidence_gap", Float, nullable=False),
    Column("purchase_gap", Float, nullable=False),
)
