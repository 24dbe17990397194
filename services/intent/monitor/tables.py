"""What opinion monitoring keeps; `tenant_id` leads every primary key."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB


@dataclass(frozen=True, slots=True)
class MonitorTables:
    """Documents with the bands of their signatures, hours, surges, alerts, silences, and what is sent to whom."""

    documents: Table
    bands: Table
    hours: Table
    surges: Table
    alerts: Table
    silences: Table
    webhooks: Table
    notifications: Table
    deliveries: Table


def add_monitor_tables(metadata: MetaData) -> MonitorTables:
    return MonitorTables(
        documents=_documents(metadata),
        bands=_bands(metadata),
        hours=_hours(metadata),
        surges=_surges(metadata),
        alerts=_alerts(metadata),
        silences=_silences(metadata),
        webhooks=_webhooks(metadata),
        notifications=_notifications(metadata),
        deliveries=_deliveries(metadata),
    )


def _key(name: str) -> Column[Any]:
    return Column(name, Text, primary_key=True)


def _text(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Text, nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _count(name: str) -> Column[Any]:
    return Column(name, Integer, nullable=False, server_default="0")


def _documents(metadata: MetaData) -> Table:
    """`cluster_id` is the document of the cluster that came first, itself included. `state`: pending, classified, failed."""
    return Table(
        "monitor_documents",
        metadata,
        _key("tenant_id"),
        _key("document_id"),
        _text("text"),
        Column("digest", LargeBinary, nullable=False),
        _moment("published_at"),
        _moment("received_at"),
        _text("source", nullable=True),
        _text("url", nullable=True),
        _text("author_hash", nullable=True),
        _text("locale", nullable=True),
        Column("weight", Double, nullable=False),
        _text("cluster_id"),
        Column("similarity", Double, nullable=True),
        Column("signature", LargeBinary, nullable=True),
        _text("state"),
        _text("topic", nullable=True),
        Column("topic_confidence", Double, nullable=True),
        _text("sentiment", nullable=True),
        Column("negative", Double, nullable=True),
        _text("model", nullable=True),
        Index("ix_monitor_documents_published", "tenant_id", "published_at", "document_id"),
        Index("ix_monitor_documents_cluster", "tenant_id", "cluster_id"),
        Index("ix_monitor_documents_waiting", "tenant_id", "published_at", postgresql_where=text("state = 'pending'")),
    )


def _bands(metadata: MetaData) -> Table:
    """Bands of the signatures of the first documents of clusters, for as long as others may join them.

    A document that is kept no longer and comes again has those of both.
    """
    return Table(
        "monitor_bands",
        metadata,
        _key("tenant_id"),
        Column("band", BigInteger, primary_key=True, autoincrement=False),
        Column("published_at", DateTime(timezone=True), primary_key=True),
        _key("document_id"),
        Index("ix_monitor_bands_published_at", "published_at"),
    )


def _hours(metadata: MetaData) -> Table:
    """Counts by hour of publication (UTC). `documents` and `negatives` count clusters, the others all that came."""
    return Table(
        "monitor_hours",
        metadata,
        _key("tenant_id"),
        _key("topic"),
        Column("hour", DateTime(timezone=True), primary_key=True),
        _key("source"),
        _count("documents"),
        _count("negatives"),
        _count("received"),
        _count("received_negatives"),
        Column("reach", Double, nullable=False, server_default="0"),
        Index("ix_monitor_hours_hour", "hour"),
    )


def _surges(metadata: MetaData) -> Table:
    """One topic above its baseline, from `began` to `last_hour`; over once `ended_at` is known."""
    return Table(
        "monitor_surges",
        metadata,
        _key("tenant_id"),
        _key("surge_id"),
        _text("alert_id"),
        _text("topic"),
        _moment("began"),
        _moment("last_hour"),
        _moment("ended_at", nullable=True),
        Column("detectors", ARRAY(Text), nullable=False),
        Column("evidence", JSONB, nullable=False),
        Index("ix_monitor_surges_topic", "tenant_id", "topic", "began"),
        Index("ix_monitor_surges_alert", "tenant_id", "alert_id"),
    )


def _alerts(metadata: MetaData) -> Table:
    """`revision` grows with every change that is told; `told_at` is when somebody was last told."""
    return Table(
        "monitor_alerts",
        metadata,
        _key("tenant_id"),
        _key("alert_id"),
        _text("status"),
        Column("topics", ARRAY(Text), nullable=False),
        _moment("opened_at"),
        _moment("updated_at"),
        _moment("told_at", nullable=True),
        Column("revision", Integer, nullable=False),
        _text("silence_id", nullable=True),
        _moment("acknowledged_at", nullable=True),
        _text("acknowledged_by", nullable=True),
        _moment("resolved_at", nullable=True),
        _text("resolved_by", nullable=True),
        _text("note", nullable=True),
        Index("ix_monitor_alerts_opened", "tenant_id", "opened_at", "alert_id"),
        Index("ix_monitor_alerts_open", "tenant_id", postgresql_where=text("status <> 'resolved'")),
    )


def _silences(metadata: MetaData) -> Table:
    """Who wants to hear nothing of a topic or a source, from when until when, and why."""
    return Table(
        "monitor_silences",
        metadata,
        _key("tenant_id"),
        _key("silence_id"),
        _text("topic", nullable=True),
        _text("source", nullable=True),
        _moment("starts_at"),
        _moment("ends_at"),
        _text("reason"),
        _text("created_by"),
        _moment("created_at"),
    )


def _webhooks(metadata: MetaData) -> Table:
    """Where notifications go. `secrets` are sealed, newest first, each with when it ends to count."""
    return Table(
        "monitor_webhooks",
        metadata,
        _key("tenant_id"),
        _key("webhook_id"),
        _text("url"),
        _text("description", nullable=True),
        Column("events", ARRAY(Text), nullable=False),
        Column("secrets", JSONB, nullable=False),
        Column("enabled", Boolean, nullable=False),
        _text("disabled_because", nullable=True),
        _moment("failing_since", nullable=True),
        _moment("created_at"),
    )


def _notifications(metadata: MetaData) -> Table:
    """What is told, once for all webhooks; its id is the webhook-id that receivers drop repeats by."""
    return Table(
        "monitor_notifications",
        metadata,
        _key("tenant_id"),
        _key("notification_id"),
        _text("alert_id", nullable=True),
        _text("event"),
        Column("body", LargeBinary, nullable=False),
        _moment("created_at"),
    )


def _deliveries(metadata: MetaData) -> Table:
    """One notification to one webhook. `state`: pending, delivered, dead. Whoever takes a row moves `due_at` on first."""
    return Table(
        "monitor_deliveries",
        metadata,
        _key("tenant_id"),
        _key("notification_id"),
        _key("webhook_id"),
        _text("state"),
        Column("attempts", Integer, nullable=False),
        _moment("due_at"),
        _moment("created_at"),
        _moment("settled_at", nullable=True),
        Column("last_status", Integer, nullable=True),
        _text("last_error", nullable=True),
        Index("ix_monitor_deliveries_due", "due_at", postgresql_where=text("state = 'pending'")),
        Index("ix_monitor_deliveries_webhook", "tenant_id", "webhook_id", "created_at"),
    )
