"""Alerts in the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, any_, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.monitor import surge_store
from services.intent.monitor.alert_schemas import Alert, AlertStatus
from services.intent.monitor.alerts import KnownAlert
from services.intent.tables import monitor as tables
from services.kit.errors import Conflict, NotFound
from services.kit.pagination import Page, decode_cursor, encode_cursor

alerts = tables.alerts
LIST = "monitor/alerts"
_SHOWN = [alerts.c[name] for name in Alert.model_fields if name != "surges"]


class AlertResolved(Conflict):
    code = "alert_resolved"


async def unresolved(connection: AsyncConnection, tenant_id: str) -> list[KnownAlert]:
    """Alerts that somebody should see to, with the hours of their surges; locked, so that no hand and no worker cross."""
    c, s = alerts.c, tables.surges.c
    first, last = (
        select(found).where(s.tenant_id == c.tenant_id, s.alert_id == c.alert_id).scalar_subquery()
        for found in (func.min(s.began), func.max(s.last_hour))
    )
    query = select(c.alert_id, c.status, first.label("began"), last.label("last_hour"), c.told_at)
    query = query.where(c.tenant_id == tenant_id, c.status != "resolved").order_by(c.alert_id).with_for_update()
    return [KnownAlert(**row) for row in (await connection.execute(query)).mappings()]


async def add(connection: AsyncConnection, tenant_id: str, alert_id: str, topic: str, now: datetime) -> None:
    row = {
        "tenant_id": tenant_id,
        "alert_id": alert_id,
        "status": "open",
        "topics": [topic],
        "opened_at": now,
        "updated_at": now,
        "revision": 1,
    }
    await connection.execute(insert(alerts).values(row))


async def change(connection: AsyncConnection, tenant_id: str, alert_id: str, values: Mapping[str, Any]) -> None:
    """Set columns; a change that is told counts as a revision."""
    c = alerts.c
    where = (c.tenant_id == tenant_id) & (c.alert_id == alert_id)
    await connection.execute(update(alerts).where(where).values({**values, "revision": c.revision + 1}))


async def join(connection: AsyncConnection, tenant_id: str, alert_id: str, topic: str, now: datetime) -> None:
    """A further topic surges: the alert is open again for everybody to see, also when it was acknowledged."""
    c = alerts.c
    topics = func.array_cat(func.array_remove(c.topics, topic), array([topic]))
    await change(connection, tenant_id, alert_id, {"topics": topics, "updated_at": now, "status": "open"})


async def get(connection: AsyncConnection, tenant_id: str, alert_id: str, *, lock: bool = False) -> Alert:
    """One alert with its surges; raises NotFound."""
    query = select(*_SHOWN).where(alerts.c.tenant_id == tenant_id, alerts.c.alert_id == alert_id)
    row = (await connection.execute(query.with_for_update() if lock else query)).mappings().one_or_none()
    if row is None:
        raise NotFound("No such alert.", param="alert_id")
    return (await _with_surges(connection, tenant_id, [row]))[0]


async def page(
    connection: AsyncConnection,
    tenant_id: str,
    *,
    status: AlertStatus | None,
    topic: str | None,
    cursor: str | None,
    limit: int,
) -> Page[Alert]:
    """Alerts, the newest first."""
    c = alerts.c
    query = select(*_SHOWN).where(c.tenant_id == tenant_id)
    if status is not None:
        query = query.where(c.status == status)
    if topic is not None:
        query = query.where(any_(c.topics) == topic)
    if cursor is not None:
        query = query.where(tuple_(c.opened_at, c.alert_id) < tuple_(*decode_cursor(LIST, cursor, datetime, str)))
    query = query.order_by(c.opened_at.desc(), c.alert_id.desc()).limit(limit + 1)
    rows = (await connection.execute(query)).mappings().all()
    data, more = await _with_surges(connection, tenant_id, rows[:limit]), len(rows) > limit
    last = encode_cursor(LIST, data[-1].opened_at, data[-1].alert_id) if more else None
    return Page[Alert](data=data, has_more=more, next_cursor=last)


async def _with_surges(connection: AsyncConnection, tenant_id: str, rows: Sequence[RowMapping]) -> list[Alert]:
    found = await surge_store.of_alerts(connection, tenant_id, [row["alert_id"] for row in rows])
    return [Alert.model_validate({**row, "surges": found.get(row["alert_id"], [])}) for row in rows]
