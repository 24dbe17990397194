"""The tables of customer service; `tenant_id` leads every primary key."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB


@dataclass(frozen=True, slots=True)
class AssistTables:
    """All of them."""

    conversations: sa.Table
    messages: sa.Table
    hand_offs: sa.Table
    corrections: sa.Table
    documents: sa.Table
    passages: sa.Table
    revisions: sa.Table


def _moment(name: str, *, nullable: bool = False) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def add_assist_tables(metadata: sa.MetaData) -> AssistTables:
    """Declare all of them."""
    return AssistTables(
        conversations=_conversations(metadata),
        messages=_messages(metadata),
        hand_offs=_hand_offs(metadata),
        corrections=_corrections(metadata),
        documents=_documents(metadata),
        passages=_passages(metadata),
        revisions=_revisions(metadata),
    )


def _conversations(metadata: sa.MetaData) -> sa.Table:
    # `version` grows with every change, `messages` is how many there are; `fresh_at` is the version at which the bot may begin
    # without a memory: at the start, and when a person has given the conversation back.
    return sa.Table(
        "assist_conversations",
        metadata,
        sa.Column("tenant_id", sa.Text, primary_key=True),
        sa.Column("conversation_id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("fresh_at", sa.Integer, nullable=False),
        sa.Column("messages", sa.Integer, nullable=False),
        sa.Column("hand_offs", sa.Integer, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("channel", sa.Text),
        sa.Column("agent_id", sa.Text),
        sa.Column("close_reason", sa.Text),
        _moment("created_at"),
        _moment("last_message_at"),
        _moment("closed_at", nullable=True),
        sa.CheckConstraint("owner IN ('bot', 'agent', 'closed')", name="owner"),
        sa.Index("ix_assist_conversations_user", "tenant_id", "user_id", "conversation_id"),
        sa.Index("ix_assist_conversations_owner", "tenant_id", "owner", "conversation_id"),
        sa.Index("ix_assist_conversations_created_at", "tenant_id", "created_at"),
        sa.Index("ix_assist_conversations_idle", "last_message_at", postgresql_where=sa.text("owner <> 'agent'")),
    )


def _messages(metadata: sa.MetaData) -> sa.Table:
    # One row a message, numbered from 1 within its conversation. What the model said of it stands with the message of the person.
    return sa.Table(
        "assist_messages",
        metadata,
        sa.Column("tenant_id", sa.Text, primary_key=True),
        sa.Column("conversation_id", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("label", sa.Text),
        sa.Column("confidence", sa.Double),
        sa.Column("in_scope", sa.Boolean),
        sa.Column("sentiment", sa.Text),
        sa.Column("model", sa.Text),
        sa.Column("retrieval", sa.Text),
        sa.Column("agent_id", sa.Text),
        sa.Column("content", JSONB, nullable=False),
        _moment("created_at"),
        sa.CheckConstraint("author IN ('user', 'bot', 'agent')", name="author"),
        sa.Index("ix_assist_messages_created_at", "tenant_id", "created_at"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "conversation_id"],
            ["assist_conversations.tenant_id", "assist_conversations.conversation_id"],
            ondelete="CASCADE",
        ),
    )


def _hand_offs(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "assist_hand_offs",
        metadata,
        sa.Column("tenant_id", sa.Text, primary_key=True),
        sa.Column("hand_off_id", sa.Text, primary_key=True),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("detail", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("agent_id", sa.Text),
        _moment("requested_at"),
        _moment("claimed_at", nullable=True),
        _moment("ended_at", nullable=True),
        sa.CheckConstraint("status IN ('waiting', 'claimed', 'given_back', 'closed')", name="status"),
        sa.Index("ix_assist_hand_offs_status", "tenant_id", "status", "hand_off_id"),
        sa.Index("ix_assist_hand_offs_requested_at", "tenant_id", "requested_at"),
        sa.Index(
            "ix_assist_hand_offs_open",
            "tenant_id",
            "conversation_id",
            unique=True,
            postgresql_where=sa.text("status IN ('waiting', 'claimed')"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "conversation_id"],
            ["assist_conversations.tenant_id", "assist_conversations.conversation_id"],
            ondelete="CASCADE",
        ),
    )


def _corrections(metadata: sa.MetaData) -> sa.Table:
    # What a person at the other end says a message meant: training data, masked, kept when the transcript is gone.
    return sa.Table(
        "assist_corrections",
        metadata,
        sa.Column("tenant_id", sa.Text, primary_key=True),
        sa.Column("conversation_id", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("predicted", sa.Text),
        sa.Column("model", sa.Text),
        sa.Column("corrected_by", sa.Text, nullable=False),
        _moment("corrected_at"),
        sa.Index("ix_assist_corrections_user", "tenant_id", "user_id"),
    )


def _documents(metadata: sa.MetaData) -> sa.Table:
    # One row a document; a deleted one stays without passages, so that its versions go on and a citation never means two texts.
    return sa.Table(
        "assist_documents",
        metadata,
        sa.Column("tenant_id", sa.Text, primary_key=True),
        sa.Column("document_id", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("url", sa.Text),
        sa.Column("checksum", sa.Text, nullable=False),
        sa.Column("passages", sa.Integer, nullable=False),
        _moment("created_at"),
        _moment("updated_at"),
        _moment("deleted_at", nullable=True),
    )


def _passages(metadata: sa.MetaData) -> sa.Table:
    # `embedding` is a float16 vector of unit length, made by the model `embedded_by`; with that and no embedding, it fails on it.
    return sa.Table(
        "assist_passages",
        metadata,
        sa.Column("tenant_id", sa.Text, primary_key=True),
        sa.Column("document_id", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("section", sa.Text, nullable=False),
        sa.Column("question", sa.Text),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("url", sa.Text),
        sa.Column("tags", JSONB, nullable=False),
        sa.Column("embedding", sa.LargeBinary),
        sa.Column("embedded_by", sa.Text),
        sa.ForeignKeyConstraint(
            ["tenant_id", "document_id"],
            ["assist_documents.tenant_id", "assist_documents.document_id"],
            ondelete="CASCADE",
        ),
    )


def _revisions(metadata: sa.MetaData) -> sa.Table:
    # Grows with every change of a tenant's passages or their embeddings, so that processes know when to read again.
    return sa.Table(
        "assist_revisions",
        metadata,
        sa.Column("tenant_id", sa.Text, primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
    )
