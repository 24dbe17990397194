"""Hours as a test writes them into the store, and what is read and told of them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy import text

from services.intent.monitor.detecting import Detection
from services.kit.database import Database

NOON = datetime.now(UTC).replace(hour=4, minute=0, second=0, microsecond=0) + timedelta(days=1)
"""Noon in Shanghai, tomorrow: silences end in the future."""
HOUR = timedelta(hours=1)
DETECTION = Detection(lambda _: ZoneInfo("Asia/Shanghai"))
SCOPES = ("monitor:read", "monitor:alerts", "monitor:webhooks", "monitor:write")

HISTORY = text(
    "INSERT INTO monitor_hours (tenant_id, topic, hour, source, documents, negatives, received, received_negatives, reach) "
    "SELECT :tenant, topic, hour, 'weibo', 20, 5, 20, 5, 20 "
    "FROM unnest(CAST(:topics AS text[])) topic, generate_series(CAST(:since AS timestamptz), :until, interval '1 hour') hour"
)
MORE = text(
    "INSERT INTO monitor_hours (tenant_id, topic, hour, source, documents, negatives, received, received_negatives, reach) "
    "VALUES (:tenant, :topic, :hour, :source, :documents, :negatives, :documents, :negatives, 0) "
    "ON CONFLICT (tenant_id, topic, hour, source) DO UPDATE SET documents = excluded.documents, negatives = excluded.negatives"
)
DOCUMENT = text(
    "INSERT INTO monitor_documents (tenant_id, document_id, text, digest, published_at, received_at, source, author_hash, weight, "
    "cluster_id, state, topic, sentiment) VALUES ('default', :name, 'x', '', :at, :at, 'weibo', :author, 1, :cluster, 'classified', "
    "'claims', 'negative')"
)


async def history(
    db: Database, *topics: str, until: datetime = NOON, weeks: float = 9, tenant: str = "default"
) -> None:
    """Twenty documents an hour, five of them negative, up to `until`, that hour not included."""
    since = until - timedelta(weeks=weeks)
    async with db.begin() as connection:
        values = {"tenant": tenant, "topics": list(topics), "since": since, "until": until - HOUR}
        await connection.execute(HISTORY, values)


async def hour(
    db: Database,
    at: datetime,
    negatives: int,
    documents: int,
    topic: str = "claims",
    source: str = "weibo",
    tenant: str = "default",
) -> None:
    async with db.begin() as connection:
        values = {"tenant": tenant, "topic": topic, "hour": at, "source": source}
        await connection.execute(MORE, values | {"negatives": negatives, "documents": documents})


async def alerts(client: httpx.AsyncClient, **query: str) -> list[dict[str, Any]]:
    answer = await client.get("/v1/monitor/alerts", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def told(db: Database) -> list[str]:
    async with db.connect() as connection:
        rows = await connection.execute(text("SELECT event FROM monitor_notifications ORDER BY notification_id"))
        return [row.event for row in rows]


async def surge(db: Database, *, hours: int = 2, topic: str = "claims", begin: datetime = NOON) -> datetime:
    """A surge of whole hours; the moment after it."""
    for place in range(hours):
        await hour(db, begin + place * HOUR, 40, 60, topic)
    return begin + hours * HOUR


async def quiet(db: Database, begin: datetime, hours: int, topic: str = "claims") -> datetime:
    """Hours as usual; the moment after them."""
    for place in range(hours):
        await hour(db, begin + place * HOUR, 5, 20, topic)
    return begin + hours * HOUR


async def silence(client: httpx.AsyncClient, **body: object) -> dict[str, Any]:
    ends = (NOON + 4 * HOUR).isoformat()
    answer = await client.post("/v1/monitor/silences", json={"ends_at": ends, "reason": "known outage", **body})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found
