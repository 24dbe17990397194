"""Customer service: conversations and their messages, hand-offs, corrections, the knowledge base.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _create_conversations()
    _create_corrections()
    _create_documents()
    _create_revisions()
    _create_hand_offs()
    _create_messages()
    _create_passages()


def downgrade() -> None:
    op.drop_table("assist_passages")
    op.drop_table("assist_messages")
    op.drop_table("assist_hand_offs")
    op.drop_table("assist_revisions")
    op.drop_table("assist_documents")
    op.drop_table("assist_corrections")
    op.drop_table("assist_conversations")


def _create_conversations() -> None:
    op.create_table(
        "assist_conversations",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fresh_at", sa.Integer(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("hand_offs", sa.Integer(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("agent_id", sa.Text(), nullable=True),
        sa.Column("close_reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_message_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("owner IN ('bot', 'agent', 'closed')", name=op.f("ck_assist_conversations_owner")),
        sa.PrimaryKeyConstraint("tenant_id", "conversation_id", name=op.f("pk_assist_conversations")),
    )
    op.create_index(
        "ix_assist_conversations_created_at", "assist_conversations", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(
        "ix_assist_conversations_idle",
        "assist_conversations",
        ["last_message_at"],
        unique=False,
        postgresql_where=sa.text("owner <> 'agent'"),
    )
    op.create_index(
        "ix_assist_conversations_owner", "assist_conversations", ["tenant_id", "owner", "conversation_id"], unique=False
    )
    op.create_index(
        "ix_assist_conversations_user",
        "assist_conversations",
        ["tenant_id", "user_id", "conversation_id"],
        unique=False,
    )


def _create_corrections() -> None:
    op.create_table(
        "assist_corrections",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("predicted", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("corrected_by", sa.Text(), nullable=False),
        sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "conversation_id", "number", name=op.f("pk_assist_corrections")),
    )
    op.create_index("ix_assist_corrections_user", "assist_corrections", ["tenant_id", "user_id"], unique=False)


def _create_documents() -> None:
    op.create_table(
        "assist_documents",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("checksum", sa.Text(), nullable=False),
        sa.Column("passages", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "document_id", name=op.f("pk_assist_documents")),
    )


def _create_revisions() -> None:
    op.create_table(
        "assist_revisions",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_assist_revisions")),
    )


def _create_hand_offs() -> None:
    op.create_table(
        "assist_hand_offs",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("hand_off_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('waiting', 'claimed', 'given_back', 'closed')", name=op.f("ck_assist_hand_offs_status")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "conversation_id"],
            ["assist_conversations.tenant_id", "assist_conversations.conversation_id"],
            name=op.f("fk_assist_hand_offs_tenant_id_assist_conversations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "hand_off_id", name=op.f("pk_assist_hand_offs")),
    )
    op.create_index(
        "ix_assist_hand_offs_open",
        "assist_hand_offs",
        ["tenant_id", "conversation_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('waiting', 'claimed')"),
    )
    op.create_index("ix_assist_hand_offs_requested_at", "assist_hand_offs", ["tenant_id", "requested_at"], unique=False)
    op.create_index(
        "ix_assist_hand_offs_status", "assist_hand_offs", ["tenant_id", "status", "hand_off_id"], unique=False
    )


def _create_messages() -> None:
    op.create_table(
        "assist_messages",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("in_scope", sa.Boolean(), nullable=True),
        sa.Column("sentiment", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("retrieval", sa.Text(), nullable=True),
        sa.Column("agent_id", sa.Text(), nullable=True),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("author IN ('user', 'bot', 'agent')", name=op.f("ck_assist_messages_author")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "conversation_id"],
            ["assist_conversations.tenant_id", "assist_conversations.conversation_id"],
            name=op.f("fk_assist_messages_tenant_id_assist_conversations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "conversation_id", "number", name=op.f("pk_assist_messages")),
    )
    op.create_index("ix_assist_messages_created_at", "assist_messages", ["tenant_id", "created_at"], unique=False)


def _create_passages() -> None:
    op.create_table(
        "assist_passages",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("tags", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("embedding", sa.LargeBinary(), nullable=True),
        sa.Column("embedded_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "document_id"],
            ["assist_documents.tenant_id", "assist_documents.document_id"],
            name=op.f("fk_assist_passages_tenant_id_assist_documents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "document_id", "number", name=op.f("pk_assist_passages")),
    )
