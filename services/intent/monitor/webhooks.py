"""Webhooks in the database; their secrets are sealed."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, delete, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.monitor.outbound import Allowed, UnsafeUrl, check_url
from services.intent.monitor.sealing import Sealer, Unsealable
from services.intent.monitor.webhook_schemas import Webhook, WebhookIn, WebhookSecrets
from services.intent.tables import monitor as tables
from services.kit.errors import Conflict, InvalidInput, NotFound
from services.kit.ids import new_id
from services.kit.pagination import Page, decode_cursor, encode_cursor
from services.kit.webhooks import new_secret

webhooks, deliveries = tables.webhooks, tables.deliveries
LIST = "monitor/webhooks"
MOST_WEBHOOKS = 50
ROTATION = timedelta(hours=24)
"""How long the secret before the newest still signs."""

_SHOWN = [webhooks.c[name] for name in Webhook.model_fields]


class UrlRefused(InvalidInput):
    code = "url_refused"


class TooManyWebhooks(Conflict):
    code = "too_many_webhooks"


async def add(
    connection: AsyncConnection, tenant_id: str, said: WebhookIn, sealer: Sealer, allowed: Allowed, now: datetime
) -> Webhook:
    """Register a webhook with a secret of its own. Raises UrlRefused, TooManyWebhooks."""
    try:
        check_url(said.url, allowed)
    except UnsafeUrl as error:
        raise UrlRefused(f"This address is not called: {error}.", param="url") from error
    held = await connection.scalar(select(func.count()).where(webhooks.c.tenant_id == tenant_id))
    if held is not None and held >= MOST_WEBHOOKS:
        raise TooManyWebhooks(f"There are {MOST_WEBHOOKS} webhooks already: delete one first.")
    webhook_id = new_id("whk")
    row = {
        "webhook_id": webhook_id,
        "url": said.url,
        "description": said.description,
        "events": sorted(set(said.events)),
        "secrets": [_fresh(tenant_id, webhook_id, sealer)],
        "enabled": True,
        "created_at": now,
    }
    stored = insert(webhooks).values(tenant_id=tenant_id, **row).returning(*_SHOWN)
    return _webhook((await connection.execute(stored)).mappings().one())


async def get(connection: AsyncConnection, tenant_id: str, webhook_id: str) -> Webhook:
    """One webhook; raises NotFound."""
    return _webhook(await _row(connection, tenant_id, webhook_id))


async def page(connection: AsyncConnection, tenant_id: str, *, cursor: str | None, limit: int) -> Page[Webhook]:
    """Webhooks, the newest first."""
    c = webhooks.c
    query = select(*_SHOWN).where(c.tenant_id == tenant_id)
    if cursor is not None:
        query = query.where(tuple_(c.created_at, c.webhook_id) < tuple_(*decode_cursor(LIST, cursor, datetime, str)))
    query = query.order_by(c.created_at.desc(), c.webhook_id.desc()).limit(limit + 1)
    rows = [_webhook(row) for row in (await connection.execute(query)).mappings()]
    more = len(rows) > limit
    last = encode_cursor(LIST, rows[limit - 1].created_at, rows[limit - 1].webhook_id) if more else None
    return Page[Webhook](data=rows[:limit], has_more=more, next_cursor=last)


async def remove(connection: AsyncConnection, tenant_id: str, webhook_id: str) -> Webhook:
    """Forget a webhook and what was to be delivered to it; raises NotFound."""
    found = await get(connection, tenant_id, webhook_id)
    for table in (deliveries, webhooks):
        mine = (table.c.tenant_id == tenant_id) & (table.c.webhook_id == webhook_id)
        await connection.execute(delete(table).where(mine))
    return found


async def enable(connection: AsyncConnection, tenant_id: str, webhook_id: str) -> Webhook:
    """Use a webhook again; raises NotFound."""
    await _set(connection, tenant_id, webhook_id, {"enabled": True, "disabled_because": None, "failing_since": None})
    return await get(connection, tenant_id, webhook_id)


async def rotate(
    connection: AsyncConnection, tenant_id: str, webhook_id: str, sealer: Sealer, now: datetime
) -> Webhook:
    """A new secret; the one before goes on signing for a day, older ones no longer. Raises NotFound."""
    row = await _row(connection, tenant_id, webhook_id, lock=True)
    newest = row["secrets"][0] | {"until": (now + ROTATION).isoformat()}
    secrets = [_fresh(tenant_id, webhook_id, sealer), newest]
    await _set(connection, tenant_id, webhook_id, {"secrets": secrets})
    return await get(connection, tenant_id, webhook_id)


async def read_secrets(
    connection: AsyncConnection, tenant_id: str, webhook_id: str, sealer: Sealer, now: datetime
) -> WebhookSecrets:
    """The live secrets; raises NotFound, Unsealable."""
    row = await _row(connection, tenant_id, webhook_id)
    return WebhookSecrets(webhook_id=webhook_id, secrets=live_secrets(tenant_id, dict(row), sealer, now))


def live_secrets(tenant_id: str, row: Mapping[str, Any], sealer: Sealer, now: datetime) -> list[str]:
    """Secrets of a row that still sign, the newest first. Raises Unsealable; a former one whose key is gone just signs no more."""
    place = (tenant_id, row["webhook_id"])
    newest, *former = row["secrets"]
    live = [sealer.open(newest["sealed"], place=place)]
    for each in former:
        if datetime.fromisoformat(each["until"]) > now:
            with suppress(Unsealable):
                live.append(sealer.open(each["sealed"], place=place))
    return live


def _fresh(tenant_id: str, webhook_id: str, sealer: Sealer) -> dict[str, str]:
    return {"sealed": sealer.seal(new_secret(), place=(tenant_id, webhook_id))}


async def _row(connection: AsyncConnection, tenant_id: str, webhook_id: str, *, lock: bool = False) -> RowMapping:
    c = webhooks.c
    query = select(webhooks).where(c.tenant_id == tenant_id, c.webhook_id == webhook_id)
    row = (await connection.execute(query.with_for_update() if lock else query)).mappings().one_or_none()
    if row is None:
        raise NotFound("No such webhook.", param="webhook_id")
    return row


async def _set(connection: AsyncConnection, tenant_id: str, webhook_id: str, values: Mapping[str, Any]) -> None:
    c = webhooks.c
    where = (c.tenant_id == tenant_id) & (c.webhook_id == webhook_id)
    await connection.execute(update(webhooks).where(where).values(dict(values)))


def _webhook(row: RowMapping) -> Webhook:
    return Webhook.model_validate(dict(row))
