"""Documents that wait are found by tenant, the newest publication first.

Revision ID: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_PENDING = sa.text("state = 'pending'")


def upgrade() -> None:
    op.create_index(
        "ix_monitor_documents_waiting", "monitor_documents", ["tenant_id", "published_at"], postgresql_where=_PENDING
    )
    op.drop_index("ix_monitor_documents_pending", table_name="monitor_documents")


def downgrade() -> None:
    op.create_index("ix_monitor_documents_pending", "monitor_documents", ["received_at"], postgresql_where=_PENDING)
    op.drop_index("ix_monitor_documents_waiting", table_name="monitor_documents")
