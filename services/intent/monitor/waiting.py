"""Which documents are read next: every tenant's in turn, and of one tenant those that were published last.

So a file of old documents keeps neither another tenant's nor its own tenant's new ones from being read, and a surge from being seen.
"""

import random
from collections.abc import Sequence

from sqlalchemy import RowMapping, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.monitor.metrics import PENDING
from services.intent.tables import monitor as tables

documents = tables.documents

MOST_TENANTS = 8
"""Tenants whose documents are read at a time; which ones is drawn."""

# One probe of the index a tenant, however many documents wait (PostgreSQL wiki, Loose indexscan).
_TENANTS = text("""
WITH RECURSIVE waiting AS (
  (SELECT tenant_id FROM monitor_documents WHERE state = 'pending' ORDER BY tenant_id LIMIT 1)
  UNION ALL
  SELECT (SELECT later.tenant_id FROM monitor_documents later
          WHERE later.state = 'pending' AND later.tenant_id > waiting.tenant_id ORDER BY later.tenant_id LIMIT 1)
  FROM waiting WHERE waiting.tenant_id IS NOT NULL
)
SELECT tenant_id FROM waiting WHERE tenant_id IS NOT NULL
""")


async def take(connection: AsyncConnection, most: int) -> list[RowMapping]:
    """Up to `most` documents that wait and nobody else is at, locked; what one tenant leaves of its share is for the next."""
    tenants = list(await connection.scalars(_TENANTS))
    drawn = random.sample(tenants, min(len(tenants), MOST_TENANTS, most))
    rows: list[RowMapping] = []
    for place, tenant_id in enumerate(drawn):
        rows += await _of(connection, tenant_id, -(-(most - len(rows)) // (len(drawn) - place)))
    return rows


async def _of(connection: AsyncConnection, tenant_id: str, most: int) -> Sequence[RowMapping]:
    c = documents.c
    columns = (c.tenant_id, c.document_id, c.text, c.published_at, c.received_at, c.source, c.weight, c.cluster_id)
    query = select(*columns).where(c.tenant_id == tenant_id, c.state == "pending")
    query = query.order_by(c.published_at.desc()).limit(most).with_for_update(skip_locked=True)
    return (await connection.execute(query)).mappings().all()


async def pending(connection: AsyncConnection) -> int:
    """How many documents wait, also as a metric."""
    found = int(await connection.scalar(select(func.count()).where(documents.c.state == "pending")) or 0)
    PENDING.set(found)
    return found
