"""Deliveries as they are listed, and dead ones tried again."""

from datetime import datetime

from sqlalchemy import select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.monitor.webhook_schemas import DeliveriesReplayed, Delivery, DeliveryReplay, DeliveryState
from services.intent.tables import monitor as tables
from services.kit.pagination import Page, decode_cursor, encode_cursor

deliveries, notifications = tables.deliveries, tables.notifications
LIST = "monitor/deliveries"
_OWN = [name for name in Delivery.model_fields if name not in {"event", "alert_id"}]


async def page(
    connection: AsyncConnection,
    tenant_id: str,
    *,
    state: DeliveryState | None,
    webhook_id: str | None,
    cursor: str | None,
    limit: int,
) -> Page[Delivery]:
    """Deliveries, the newest first."""
    d, n = deliveries.c, notifications.c
    query = select(*(d[name] for name in _OWN), n.event, n.alert_id).join(
        notifications, (n.tenant_id == d.tenant_id) & (n.notification_id == d.notification_id)
    )
    query = query.where(d.tenant_id == tenant_id)
    if state is not None:
        query = query.where(d.state == state)
    if webhook_id is not None:
        query = query.where(d.webhook_id == webhook_id)
    if cursor is not None:
        after = decode_cursor(LIST, cursor, datetime, str, str)
        query = query.where(tuple_(d.created_at, d.notification_id, d.webhook_id) < tuple_(*after))
    query = query.order_by(d.created_at.desc(), d.notification_id.desc(), d.webhook_id.desc()).limit(limit + 1)
    rows = [Delivery.model_validate(dict(row)) for row in (await connection.execute(query)).mappings()]
    more = len(rows) > limit
    return Page[Delivery](data=rows[:limit], has_more=more, next_cursor=_cursor(rows[limit - 1]) if more else None)


def _cursor(last: Delivery) -> str:
    return encode_cursor(LIST, last.created_at, last.notification_id, last.webhook_id)


async def replay(
    connection: AsyncConnection, tenant_id: str, wanted: DeliveryReplay, now: datetime
) -> DeliveriesReplayed:
    """Dead deliveries become due now and have all their attempts again."""
    d = deliveries.c
    key = (d.tenant_id, d.notification_id, d.webhook_id)
    dead = select(*key).where(d.tenant_id == tenant_id, d.state == "dead")
    if wanted.notification_ids is not None:
        dead = dead.where(d.notification_id.in_(wanted.notification_ids))
    dead = (
        dead.order_by(d.created_at, d.notification_id, d.webhook_id)
        .limit(wanted.limit)
        .with_for_update(skip_locked=True)
    )
    again = update(deliveries).where(tuple_(*key).in_(dead))
    done = await connection.execute(again.values(state="pending", attempts=0, due_at=now, settled_at=None))
    return DeliveriesReplayed(replayed=done.rowcount)
