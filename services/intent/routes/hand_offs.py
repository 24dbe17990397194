"""The other end of customer service: what waits for a person, and what that person does with it."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from services.intent.assist import conversations, hand_offs, recording
from services.intent.assist.schemas import (
    AgentReplied,
    AgentReply,
    ClaimRequest,
    HandedOff,
    HandOff,
    HandOffStatus,
    HandOffWithTranscript,
)
from services.intent.assist.turns import Reason
from services.intent.assist.views import hand_off_of, message_of
from services.intent.resources import Held
from services.intent.routes.assist import ConversationId, Cursor, Limit
from services.intent.routes.callers import servers_only
from services.intent.tables import idempotency_keys
from services.kit.idempotency import idempotent
from services.kit.identity import Caller, requires
from services.kit.pagination import Page, decode_cursor, encode_cursor
from services.kit.wire import ExternalId

router = APIRouter(tags=["assist"])
LIST = "assist/hand-offs"

Agent = Annotated[Caller, requires("assist:agent")]
HandOffId = Annotated[ExternalId, Path(description="Our id of the hand-off, `hnd_…`.")]


@router.get("/v1/assist/hand-offs")
async def queue(
    held: Held,
    caller: Agent,
    status: Annotated[HandOffStatus | None, Query(description="Hand-offs in this state only.")] = "waiting",
    reason: Annotated[Reason | None, Query(description="Hand-offs for this reason only.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[HandOff]:
    """What waits for a person, the longest wait first."""
    servers_only(caller)
    after = decode_cursor(LIST, cursor, str)[0] if cursor is not None else None
    async with held.db.connect() as connection:
        rows = await hand_offs.page_of(
            connection, caller.tenant_id, status=status, reason=reason, after=after, limit=limit + 1
        )
    data = [hand_off_of(each) for each in rows[:limit]]
    more = len(rows) > limit
    last = encode_cursor(LIST, data[-1].hand_off_id) if more else None
    return Page[HandOff](data=data, has_more=more, next_cursor=last)


@router.get("/v1/assist/hand-offs/{hand_off_id}")
async def read(hand_off_id: HandOffId, held: Held, caller: Agent) -> HandOffWithTranscript:
    """One hand-off with the whole conversation."""
    servers_only(caller)
    async with held.db.connect() as connection:
        row = await hand_offs.find(connection, caller.tenant_id, hand_off_id)
        said = await conversations.messages_of(connection, row.tenant_id, row.conversation_id)
    return HandOffWithTranscript(**dict(hand_off_of(row)), transcript=[message_of(each) for each in said])


@router.post("/v1/assist/hand-offs/{hand_off_id}/claim")
async def claim(hand_off_id: HandOffId, body: ClaimRequest, held: Held, caller: Agent) -> HandedOff:
    """Take what waits; 409 `already_claimed` when somebody else has it, the same answer when it is yours already."""
    servers_only(caller)
    async with held.db.begin() as connection:
        row = await hand_offs.find(connection, caller.tenant_id, hand_off_id)
        conversation = await conversations.find(connection, caller, row.conversation_id, lock=True)
        return await recording.take(connection, conversation, body.agent_id, held.desk.now())


@router.post("/v1/assist/conversations/{conversation_id}/replies", status_code=201, response_model=AgentReplied)
async def reply(
    conversation_id: ConversationId, request: Request, body: AgentReply, held: Held, caller: Agent
) -> Response:
    """Answer as a person. Who answers what still waits has claimed it."""
    servers_only(caller)

    async def run() -> AgentReplied:
        return await recording.reply(connection, caller, conversation_id, body.agent_id, body.text, held.desk.now())

    async with held.db.begin() as connection:
        return await idempotent(connection, idempotency_keys, caller, request, body, run, status_code=201)


@router.post("/v1/assist/conversations/{conversation_id}/give-back")
async def give_back(conversation_id: ConversationId, body: ClaimRequest, held: Held, caller: Agent) -> HandedOff:
    """Let the bot answer again; it begins with a fresh memory."""
    servers_only(caller)
    async with held.db.begin() as connection:
        return await recording.give_back(connection, caller, conversation_id, body.agent_id, held.desk.now())
