"""The service's tables; `tenant_id` leads every primary key."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from services.kit.database import new_metadata
from services.kit.idempotency import add_idempotency_table
from services.kit.stream import add_stream_tables

metadata = new_metadata()
stream_tables = add_stream_tables(metadata)
idempotency_keys = add_idempotency_table(metadata)

# One row a version of a product. `definition` never changes once the version has been live; `checksum` pins it.
product_versions = sa.Table(
    "product_versions",
    metadata,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("product_id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("checksum", sa.Text, nullable=False),
    sa.Column("definition", JSONB, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("live_at", sa.DateTime(timezone=True)),
    sa.Column("retired_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint("status IN ('draft', 'live', 'retired')", name="status"),
    sa.Index(
        "ix_product_versions_live", "tenant_id", "product_id", unique=True, postgresql_where=sa.text("status = 'live'")
    ),
)

# Record ids are UUIDv7, so a person's newest record is the last of their keys.
suitability_records = sa.Table(
    "suitability_records",
    metadata,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("record_id", sa.Text, primary_key=True),
    sa.Column("questionnaire_version", sa.Text, nullable=False),
    sa.Column("rule_set_version", sa.Text, nullable=False),
    sa.Column("answers", JSONB, nullable=False),
    sa.Column("verdicts", JSONB, nullable=False),
    sa.Column("risk_level", sa.Integer, nullable=False),
    sa.Column("premium_share_cap", sa.Numeric, nullable=False),
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
)
