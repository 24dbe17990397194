"""What is told: one notification an event, one delivery a webhook, in the transaction that makes it true."""

from datetime import datetime

import orjson
from sqlalchemy import any_, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.monitor import alert_store, silences
from services.intent.monitor.alert_schemas import Alert
from services.intent.monitor.alerts import Event, silenced_by
from services.intent.tables import monitor as tables
from services.kit.ids import new_id

notifications, deliveries, webhooks = tables.notifications, tables.deliveries, tables.webhooks


async def tell(connection: AsyncConnection, tenant_id: str, alert_id: str, event: Event, now: datetime) -> None:
    """Tell an alert's state to everybody who wants to hear of `event`, unless a silence covers all of its surges that last.

    The end of an alert that was told is told in any case: whoever keeps a list of what is open would wait for it for ever.
    """
    alert = await alert_store.get(connection, tenant_id, alert_id)
    lasting = [each for each in alert.surges if each.ended_at is None] or alert.surges
    spoken = [(each.topic, each.main_source) for each in lasting]
    silence = silenced_by(spoken, await silences.in_force(connection, tenant_id, now))
    if silence is not None and not (event == "alert.resolved" and alert.told_at is not None):
        if silence != alert.silence_id:
            await alert_store.change(connection, tenant_id, alert_id, {"silence_id": silence})
        return
    await alert_store.change(connection, tenant_id, alert_id, {"silence_id": None, "told_at": now})
    told = await alert_store.get(connection, tenant_id, alert_id)
    await enqueue(connection, tenant_id, event, payload(event, told, now), now, alert_id=alert_id)


def payload(event: Event, alert: Alert | None, now: datetime) -> bytes:
    """The body as Standard Webhooks has it: type, timestamp, data."""
    data = {} if alert is None else alert.model_dump(mode="json")
    return orjson.dumps({"type": event, "timestamp": now.isoformat(), "data": data})


async def enqueue(
    connection: AsyncConnection,
    tenant_id: str,
    event: Event,
    body: bytes,
    now: datetime,
    *,
    alert_id: str | None = None,
    only: str | None = None,
) -> str | None:
    """A notification to all enabled webhooks that want the event, or to the one named; its id, None when nobody wants it."""
    c = webhooks.c
    query = select(c.webhook_id).where(c.tenant_id == tenant_id)
    wanted = (
        c.enabled & ((func.cardinality(c.events) == 0) | (any_(c.events) == event))
        if only is None
        else c.webhook_id == only
    )
    names = (await connection.scalars(query.where(wanted).order_by(c.webhook_id))).all()
    if not names:
        return None
    identity = new_id("ntf")
    row = {"notification_id": identity, "alert_id": alert_id, "event": event, "body": body, "created_at": now}
    await connection.execute(insert(notifications).values(tenant_id=tenant_id, **row))
    await connection.execute(
        insert(deliveries),
        [
            {
                "tenant_id": tenant_id,
                "notification_id": identity,
                "webhook_id": name,
                "state": "pending",
                "attempts": 0,
                "due_at": now,
                "created_at": now,
            }
            for name in names
        ],
    )
    return identity
