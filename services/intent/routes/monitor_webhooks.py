"""Webhooks that alerts are told to, and what was delivered."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from services.intent.monitor import dead_letters, webhooks
from services.intent.monitor.notifying import enqueue, payload
from services.intent.monitor.schemas import (
    DeliveriesReplayed,
    Delivery,
    DeliveryReplay,
    DeliveryState,
    Webhook,
    WebhookIn,
    WebhookSecrets,
    WebhookTest,
)
from services.intent.monitor.sealing import Sealer, Unsealable
from services.intent.resources import Held, Resources
from services.intent.tables import idempotency_keys
from services.kit.errors import NotFound, Unavailable
from services.kit.idempotency import idempotent
from services.kit.identity import Caller, requires
from services.kit.pagination import Page
from services.kit.wire import EdgeModel, ExternalId

router = APIRouter(prefix="/v1/monitor", tags=["monitor"])

Owner = Annotated[Caller, requires("monitor:webhooks")]
Cursor = Annotated[str | None, Query(description="The `next_cursor` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=200, description="Rows of one page.")]
WebhookId = Annotated[ExternalId, Path()]


class SealingNotConfigured(Unavailable):
    code = "sealing_not_configured"


class SecretLost(Unavailable):
    code = "secret_lost"


class Nothing(EdgeModel):
    """What a call without a body says, for its idempotency key."""


def _sealer(held: Resources) -> Sealer:
    if held.sealer is None:
        raise SealingNotConfigured("KUAJIE_INTENT_SEALING_KEYS is not set: secrets could not be kept.")
    return held.sealer


@router.post("/webhooks", status_code=201, response_model=Webhook)
async def add_webhook(request: Request, body: WebhookIn, held: Held, caller: Owner) -> Response:
    """Register an address that alerts are told to; read the secret that signs at `…/secret`."""
    sealer = _sealer(held)

    async def run() -> Webhook:
        now, allowed = datetime.now(UTC), held.settings.webhooks_allowed
        return await webhooks.add(connection, caller.tenant_id, body, sealer, allowed, now)

    async with held.db.begin() as connection:
        return await idempotent(connection, idempotency_keys, caller, request, body, run, status_code=201)


@router.get("/webhooks")
async def list_webhooks(held: Held, caller: Owner, limit: Limit = 50, cursor: Cursor = None) -> Page[Webhook]:
    """Webhooks, the newest first."""
    async with held.db.connect() as connection:
        return await webhooks.page(connection, caller.tenant_id, cursor=cursor, limit=limit)


@router.get("/webhooks/{webhook_id}")
async def get_webhook(webhook_id: WebhookId, held: Held, caller: Owner) -> Webhook:
    """One webhook; 404 when there is none."""
    async with held.db.connect() as connection:
        return await webhooks.get(connection, caller.tenant_id, webhook_id)


@router.delete("/webhooks/{webhook_id}")
async def remove_webhook(webhook_id: WebhookId, held: Held, caller: Owner) -> Webhook:
    """Forget a webhook, with what was to be delivered to it."""
    async with held.db.begin() as connection:
        return await webhooks.remove(connection, caller.tenant_id, webhook_id)


@router.get("/webhooks/{webhook_id}/secret")
async def read_secrets(webhook_id: WebhookId, held: Held, caller: Owner) -> WebhookSecrets:
    """The live secrets, the newest first."""
    sealer = _sealer(held)
    async with held.db.connect() as connection:
        try:
            return await webhooks.read_secrets(connection, caller.tenant_id, webhook_id, sealer, datetime.now(UTC))
        except Unsealable as error:
            raise SecretLost("The key that sealed this secret is gone: rotate it.") from error


@router.post("/webhooks/{webhook_id}/rotate", response_model=Webhook)
async def rotate(request: Request, webhook_id: WebhookId, held: Held, caller: Owner) -> Response:
    """A new secret; the one before goes on signing beside it for a day."""
    sealer = _sealer(held)

    async def run() -> Webhook:
        return await webhooks.rotate(connection, caller.tenant_id, webhook_id, sealer, datetime.now(UTC))

    async with held.db.begin() as connection:
        return await idempotent(connection, idempotency_keys, caller, request, Nothing(), run)


@router.post("/webhooks/{webhook_id}/enable")
async def enable(webhook_id: WebhookId, held: Held, caller: Owner) -> Webhook:
    """Use a webhook again that was disabled."""
    async with held.db.begin() as connection:
        return await webhooks.enable(connection, caller.tenant_id, webhook_id)


@router.post("/webhooks/{webhook_id}/test", status_code=201, response_model=WebhookTest)
async def test(request: Request, webhook_id: WebhookId, held: Held, caller: Owner) -> Response:
    """Queue the message `webhook.test`, also for a webhook that is disabled."""

    async def run() -> WebhookTest:
        now = datetime.now(UTC)
        body = payload("webhook.test", None, now)
        queued = await enqueue(connection, caller.tenant_id, "webhook.test", body, now, only=webhook_id)
        if queued is None:
            raise NotFound("No such webhook.", param="webhook_id")
        return WebhookTest(notification_id=queued)

    async with held.db.begin() as connection:
        return await idempotent(connection, idempotency_keys, caller, request, Nothing(), run, status_code=201)


@router.get("/deliveries")
async def list_deliveries(
    held: Held,
    caller: Owner,
    state: DeliveryState | None = None,
    webhook_id: ExternalId | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Delivery]:
    """Deliveries, the newest first: what waits, what arrived, what is dead."""
    async with held.db.connect() as connection:
        return await dead_letters.page(
            connection, caller.tenant_id, state=state, webhook_id=webhook_id, cursor=cursor, limit=limit
        )


@router.post("/deliveries/replay")
async def replay(body: DeliveryReplay, held: Held, caller: Owner) -> DeliveriesReplayed:
    """Try dead deliveries again, the named ones or the oldest, under the ids they had."""
    async with held.db.begin() as connection:
        return await dead_letters.replay(connection, caller.tenant_id, body, datetime.now(UTC))
