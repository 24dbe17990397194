"""People: declared facts in, the snapshot out."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Request, Response

from services.kit.idempotency import idempotent
from services.kit.identity import Caller, requires
from services.kit.wire import ExternalId
from services.profile.batches import own_message_id, record
from services.profile.consent_terms import PLATFORM
from services.profile.declarations import facts_of
from services.profile.messages import identify_message
from services.profile.people import held_of
from services.profile.portraits import etag_of, portray
from services.profile.resources import Opened
from services.profile.schemas import Identified, Identify, Snapshot
from services.profile.tables import idempotency_keys

router = APIRouter(prefix="/v1", tags=["people"])

UserId = Annotated[ExternalId, Path(description="A user id, or `anonymous:` and an anonymous id.")]


@router.post("/identify", response_model=Identified)
async def identify(
    body: Identify, caller: Annotated[Caller, requires("profile:write")], request: Request, resources: Opened
) -> Response:
    """Declare facts of one person. Absent fields stay as they were, null withdraws, an unknown field is an error."""
    caller.require_self(body.user_id)
    now = resources.clock()
    said = body.message_id
    message_id = own_message_id(caller.subject, said) if said and caller.kind == "person" else said
    message = identify_message(body.user_id, body.traits, message_id, tenant_id=caller.tenant_id, received_at=now)
    async with resources.db.begin() as connection:

        async def run() -> Identified:
            fresh = await record(connection, [message], resources, now)
            facts = await facts_of(connection, caller.tenant_id, body.user_id)
            return Identified(user_id=body.user_id, status="accepted" if fresh else "duplicate", facts=facts)

        return await idempotent(connection, idempotency_keys, caller, request, body, run)


@router.get(
    "/people/{user_id:path}/snapshot", response_model=Snapshot, responses={304: {"description": "Not modified"}}
)
async def snapshot(
    user_id: UserId,
    caller: Annotated[Caller, requires("profile:read")],
    resources: Opened,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Who someone is. A stranger is no error: `known` is false and everything else is empty."""
    caller.require_self(user_id)
    now, settings = resources.clock(), resources.settings
    async with resources.db.connect() as connection:
        held = await held_of(
            connection, caller.tenant_id, user_id, now=now, recipient=PLATFORM, home_currency=settings.home_currency
        )
    scorer = resources.segments.get(caller.tenant_id)
    body = portray(user_id, held, scorer, now=now, home_timezone=settings.home_timezone).model_dump_json().encode()
    headers = {"ETag": etag_of(body), "Cache-Control": "private, no-cache"}
    if if_none_match is not None and headers["ETag"] in {tag.strip() for tag in if_none_match.split(",")}:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")
