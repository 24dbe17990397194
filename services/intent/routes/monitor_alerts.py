"""Alerts: read, acknowledge, resolve; silences."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from services.intent.monitor import alert_store, silences
from services.intent.monitor.alerts import Event
from services.intent.monitor.notifying import tell
from services.intent.monitor.schemas import Alert, AlertStatus, Handled, Silence, SilenceIn, Topic
from services.intent.resources import Held, Resources
from services.intent.tables import idempotency_keys
from services.kit.idempotency import idempotent
from services.kit.identity import Caller, requires
from services.kit.pagination import Page
from services.kit.wire import ExternalId

router = APIRouter(prefix="/v1/monitor", tags=["monitor"])

Reader = Annotated[Caller, requires("monitor:read")]
Desk = Annotated[Caller, requires("monitor:alerts")]
Cursor = Annotated[str | None, Query(description="The `next_cursor` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=200, description="Rows of one page.")]
AlertId = Annotated[ExternalId, Path()]


@router.get("/alerts")
async def list_alerts(
    held: Held,
    caller: Reader,
    status: AlertStatus | None = None,
    topic: Topic | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Alert]:
    """Alerts, the newest first, each with its surges."""
    async with held.db.connect() as connection:
        return await alert_store.page(
            connection, caller.tenant_id, status=status, topic=topic, cursor=cursor, limit=limit
        )


@router.get("/alerts/{alert_id}")
async def get_alert(alert_id: AlertId, held: Held, caller: Reader) -> Alert:
    """One alert with its surges; 404 when there is none."""
    async with held.db.connect() as connection:
        return await alert_store.get(connection, caller.tenant_id, alert_id)


@router.post("/alerts/{alert_id}/acknowledge")
async def acknowledge(alert_id: AlertId, body: Handled, held: Held, caller: Desk) -> Alert:
    """Somebody sees to it: it is not told again while it lasts, unless a further topic surges."""
    now, by = datetime.now(UTC), body.by or caller.subject
    values = {"status": "acknowledged", "acknowledged_at": now, "acknowledged_by": by}
    return await _handle(held, caller, alert_id, body, values, "alert.acknowledged", now)


@router.post("/alerts/{alert_id}/resolve")
async def resolve(alert_id: AlertId, body: Handled, held: Held, caller: Desk) -> Alert:
    """Close an alert by hand: what surges now opens no other one before it was calm."""
    now, by = datetime.now(UTC), body.by or caller.subject
    values = {"status": "resolved", "resolved_at": now, "resolved_by": by}
    return await _handle(held, caller, alert_id, body, values, "alert.resolved", now)


async def _handle(
    held: Resources,
    caller: Caller,
    alert_id: str,
    body: Handled,
    values: Mapping[str, Any],
    event: Event,
    now: datetime,
) -> Alert:
    note = {} if body.note is None else {"note": body.note}
    async with held.db.begin() as connection:
        found = await alert_store.get(connection, caller.tenant_id, alert_id, lock=True)
        if found.status == "resolved":
            raise alert_store.AlertResolved("This alert is resolved already.")
        if found.status == values["status"] and body.note in (None, found.note):
            return found
        if found.status == values["status"]:
            await alert_store.change(connection, caller.tenant_id, alert_id, {**note, "updated_at": now})
        else:
            await alert_store.change(connection, caller.tenant_id, alert_id, {**values, **note, "updated_at": now})
            await tell(connection, caller.tenant_id, alert_id, event, now)
        return await alert_store.get(connection, caller.tenant_id, alert_id)


@router.post("/silences", status_code=201, response_model=Silence)
async def add_silence(request: Request, body: SilenceIn, held: Held, caller: Desk) -> Response:
    """Tell nobody of a topic or a source for a while. Alerts go on being opened and can be read."""

    async def run() -> Silence:
        return await silences.add(connection, caller.tenant_id, body, caller.subject, datetime.now(UTC))

    async with held.db.begin() as connection:
        return await idempotent(connection, idempotency_keys, caller, request, body, run, status_code=201)


@router.get("/silences")
async def list_silences(
    held: Held, caller: Reader, active: bool = False, limit: Limit = 50, cursor: Cursor = None
) -> Page[Silence]:
    """Silences, the newest first; with `active` those that are not over."""
    async with held.db.connect() as connection:
        return await silences.page(
            connection, caller.tenant_id, now=datetime.now(UTC), active=active, cursor=cursor, limit=limit
        )


@router.delete("/silences/{silence_id}")
async def end_silence(silence_id: Annotated[ExternalId, Path()], held: Held, caller: Desk) -> Silence:
    """End a silence now; it stays on the list."""
    async with held.db.begin() as connection:
        return await silences.end(connection, caller.tenant_id, silence_id, datetime.now(UTC))
