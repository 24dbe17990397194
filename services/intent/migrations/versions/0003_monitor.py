"""Opinion monitoring: documents, their hours, surges, alerts, silences, webhooks and what is sent to them.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _create_documents()
    _create_bands()
    _create_hours()
    _create_surges()
    _create_alerts()
    _create_silences()
    _create_webhooks()
    _create_notifications()
    _create_deliveries()


def downgrade() -> None:
    for table in (
        "monitor_deliveries",
        "monitor_notifications",
        "monitor_webhooks",
        "monitor_silences",
        "monitor_alerts",
        "monitor_surges",
        "monitor_hours",
        "monitor_bands",
        "monitor_documents",
    ):
        op.drop_table(table)


def _create_documents() -> None:
    op.create_table(
        "monitor_documents",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("author_hash", sa.Text(), nullable=True),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.Column("cluster_id", sa.Text(), nullable=False),
        sa.Column("similarity", sa.Double(), nullable=True),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=True),
        sa.Column("topic_confidence", sa.Double(), nullable=True),
        sa.Column("sentiment", sa.Text(), nullable=True),
        sa.Column("negative", sa.Double(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "document_id", name=op.f("pk_monitor_documents")),
    )
    op.create_index("ix_monitor_documents_cluster", "monitor_documents", ["tenant_id", "cluster_id"], unique=False)
    op.create_index(
        "ix_monitor_documents_pending",
        "monitor_documents",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_monitor_documents_published",
        "monitor_documents",
        ["tenant_id", "published_at", "document_id"],
        unique=False,
    )


def _create_bands() -> None:
    op.create_table(
        "monitor_bands",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("band", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "band", "document_id", name=op.f("pk_monitor_bands")),
    )
    op.create_index("ix_monitor_bands_published_at", "monitor_bands", ["published_at"], unique=False)


def _create_hours() -> None:
    op.create_table(
        "monitor_hours",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("documents", sa.Integer(), server_default="0", nullable=False),
        sa.Column("negatives", sa.Integer(), server_default="0", nullable=False),
        sa.Column("received", sa.Integer(), server_default="0", nullable=False),
        sa.Column("received_negatives", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reach", sa.Double(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "topic", "hour", "source", name=op.f("pk_monitor_hours")),
    )
    op.create_index("ix_monitor_hours_hour", "monitor_hours", ["hour"], unique=False)


def _create_surges() -> None:
    op.create_table(
        "monitor_surges",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("surge_id", sa.Text(), nullable=False),
        sa.Column("alert_id", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("began", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("detectors", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "surge_id", name=op.f("pk_monitor_surges")),
    )
    op.create_index("ix_monitor_surges_alert", "monitor_surges", ["tenant_id", "alert_id"], unique=False)
    op.create_index("ix_monitor_surges_topic", "monitor_surges", ["tenant_id", "topic", "began"], unique=False)


def _create_alerts() -> None:
    op.create_table(
        "monitor_alerts",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("alert_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("topics", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("silence_id", sa.Text(), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "alert_id", name=op.f("pk_monitor_alerts")),
    )
    op.create_index(
        "ix_monitor_alerts_open",
        "monitor_alerts",
        ["tenant_id"],
        unique=False,
        postgresql_where=sa.text("status <> 'resolved'"),
    )
    op.create_index("ix_monitor_alerts_opened", "monitor_alerts", ["tenant_id", "opened_at", "alert_id"], unique=False)


def _create_silences() -> None:
    op.create_table(
        "monitor_silences",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("silence_id", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "silence_id", name=op.f("pk_monitor_silences")),
    )


def _create_webhooks() -> None:
    op.create_table(
        "monitor_webhooks",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("events", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("secrets", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("disabled_because", sa.Text(), nullable=True),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "webhook_id", name=op.f("pk_monitor_webhooks")),
    )


def _create_notifications() -> None:
    op.create_table(
        "monitor_notifications",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("notification_id", sa.Text(), nullable=False),
        sa.Column("alert_id", sa.Text(), nullable=True),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "notification_id", name=op.f("pk_monitor_notifications")),
    )


def _create_deliveries() -> None:
    op.create_table(
        "monitor_deliveries",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("notification_id", sa.Text(), nullable=False),
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "notification_id", "webhook_id", name=op.f("pk_monitor_deliveries")),
    )
    op.create_index(
        "ix_monitor_deliveries_due",
        "monitor_deliveries",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_monitor_deliveries_webhook", "monitor_deliveries", ["tenant_id", "webhook_id", "created_at"], unique=False
    )
