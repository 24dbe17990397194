"""Which document counts for a cluster whose first one the model failed on: of the others that it read, the one published first."""

from collections.abc import Collection

from sqlalchemy import ARRAY, Text, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.monitor.counts import Counts
from services.intent.monitor.hours import hour_of
from services.intent.monitor.series import NO_SOURCE, Place

_LOCK = 0x636C7573

_STAND_INS = text("""
SELECT DISTINCT ON (other.cluster_id) other.topic, other.published_at, other.source, other.sentiment
FROM monitor_documents first
JOIN monitor_documents other
  ON other.tenant_id = first.tenant_id AND other.cluster_id = first.document_id AND other.state = 'classified'
WHERE first.tenant_id = :tenant_id AND first.document_id = ANY(:clusters) AND first.state = 'failed'
  AND (first.document_id = ANY(:now) OR NOT EXISTS (
    SELECT FROM monitor_documents before
    WHERE before.tenant_id = first.tenant_id AND before.cluster_id = first.document_id AND before.state = 'classified'
      AND before.document_id <> ALL(:now)))
ORDER BY other.cluster_id, other.published_at, other.document_id
""").bindparams(*(bindparam(name, type_=ARRAY(Text)) for name in ("clusters", "now")))


async def stand_ins(
    connection: AsyncConnection, tenant_id: str, clusters: Collection[str], now: Collection[str]
) -> list[tuple[Place, Counts]]:
    """What counts in which hour for those of the `clusters` that nothing has counted for yet. `now` are the documents whose state this
    transaction has written.

    One transaction of a tenant at a time from here on: a first that fails and a near-duplicate that is read see each other.
    """
    if not clusters:
        return []
    await connection.execute(select(func.pg_advisory_xact_lock(_LOCK, func.hashtext(tenant_id))))
    asked = {"tenant_id": tenant_id, "clusters": list(clusters), "now": list(now)}
    return [
        (
            (row.topic, hour_of(row.published_at), row.source or NO_SOURCE),
            Counts(documents=1, negatives=int(row.sentiment == "negative")),
        )
        for row in await connection.execute(_STAND_INS, asked)
    ]
