"""Models: what is wanted of each version, how it stands in each process, how far shadows agree.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "model_wishes",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("share", sa.Float(), nullable=True),
        sa.Column("previous", sa.Text(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role IN ('serving', 'shadow', 'loaded')", name=op.f("ck_model_wishes_role")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_model_wishes")),
    )
    op.create_index(
        "uq_model_wishes_role", "model_wishes", ["role"], unique=True, postgresql_where=sa.text("role <> 'loaded'")
    )
    op.create_table(
        "model_standings",
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("process", "version", name=op.f("pk_model_standings")),
    )
    op.create_table(
        "model_agreements",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("against", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("texts", sa.BigInteger(), nullable=False),
        sa.Column("same_label", sa.BigInteger(), nullable=False),
        sa.Column("same_scope", sa.BigInteger(), nullable=False),
        sa.Column("same_sentiment", sa.BigInteger(), nullable=False),
        sa.Column("confidence_gap", sa.Float(), nullable=False),
        sa.Column("purchase_gap", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("version", "against", "language", name=op.f("pk_model_agreements")),
    )


def downgrade() -> None:
    op.drop_table("model_agreements")
    op.drop_table("model_standings")
    op.drop_index("uq_model_wishes_role", table_name="model_wishes")
    op.drop_table("model_wishes")
