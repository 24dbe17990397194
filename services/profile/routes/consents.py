"""Consents: record, check, list."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from services.kit.idempotency import idempotent
from services.kit.identity import Caller, requires
from services.kit.pagination import Page, decode_cursor, encode_cursor
from services.profile.consents import check_consent, consents_of, record_consents
from services.profile.resources import Opened
from services.profile.routes.people import UserId
from services.profile.schemas import Consent, ConsentQuestion, ConsentRecords, ConsentVerdict, RecordedConsents
from services.profile.tables import idempotency_keys

router = APIRouter(prefix="/v1", tags=["consents"])

Reader = Annotated[Caller, requires("consents:read")]


@router.post("/consents", response_model=RecordedConsents)
async def record(
    body: ConsentRecords, caller: Annotated[Caller, requires("consents:write")], request: Request, resources: Opened
) -> Response:
    """Record answers, all or none. The history only grows; the answer recorded last is in force until it expires."""
    for each in body.records:
        caller.require_self(each.user_id)
    async with resources.db.begin() as connection:

        async def run() -> RecordedConsents:
            return await record_consents(connection, caller.tenant_id, body.records, resources.clock())

        return await idempotent(connection, idempotency_keys, caller, request, body, run)


@router.post("/consents/check")
async def check(body: ConsentQuestion, caller: Reader, resources: Opened) -> ConsentVerdict:
    """Silence means no for marketing, health, finance and partner sharing, and yes for personalisation."""
    caller.require_self(body.user_id)
    async with resources.db.connect() as connection:
        return await check_consent(
            connection, caller.tenant_id, body.user_id, body.purpose, body.recipient, resources.clock()
        )


@router.get("/people/{user_id:path}/consents")
async def history(
    user_id: UserId,
    caller: Reader,
    resources: Opened,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[Consent]:
    """Every answer that a person gave, the newest first."""
    caller.require_self(user_id)
    of = f"people/{user_id}/consents"
    before = decode_cursor(of, cursor, str)[0] if cursor is not None else None
    async with resources.db.connect() as connection:
        rows = await consents_of(connection, caller.tenant_id, user_id, limit=limit + 1, before=before)
    shown, more = rows[:limit], len(rows) > limit
    last = encode_cursor(of, shown[-1].consent_id) if more else None
    return Page[Consent](data=shown, has_more=more, next_cursor=last)
