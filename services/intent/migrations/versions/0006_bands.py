"""Bands are found by when their document was published: one that many documents share was read from its first document on.

Revision ID: 0006
"""

from alembic import op

revision = "0006"
down_revision = "0005"

_ANEW = """
DELETE FROM monitor_bands former USING monitor_bands later
WHERE later.tenant_id = former.tenant_id AND later.band = former.band AND later.document_id = former.document_id
AND later.published_at > former.published_at
"""


def upgrade() -> None:
    op.drop_constraint("pk_monitor_bands", "monitor_bands")
    op.create_primary_key("pk_monitor_bands", "monitor_bands", ["tenant_id", "band", "published_at", "document_id"])


def downgrade() -> None:
    op.execute(_ANEW)  # a document that came again
    op.drop_constraint("pk_monitor_bands", "monitor_bands")
    op.create_primary_key("pk_monitor_bands", "monitor_bands", ["tenant_id", "band", "document_id"])
