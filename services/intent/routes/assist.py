"""Conversations with customer service, as the person who writes sees them."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from services.intent.assist import conversations, recording
from services.intent.assist.erasure import erase
from services.intent.assist.masking import put_aside
from services.intent.assist.schemas import (
    Conversation,
    ConversationRequest,
    Erased,
    HandedOff,
    HandOffRequest,
    Message,
    MessageRequest,
    TurnAnswer,
)
from services.intent.assist.turns import Owner
from services.intent.assist.views import conversation_of, message_of
from services.intent.resources import Held
from services.intent.routes.callers import servers_only
from services.intent.tables import idempotency_keys
from services.kit.app import deadline_of
from services.kit.idempotency import idempotent, remembered
from services.kit.identity import Caller, requires
from services.kit.pagination import Page, decode_cursor, encode_cursor
from services.kit.wire import ExternalId

router = APIRouter(tags=["assist"])
LIST = "assist/conversations"

Writer = Annotated[Caller, requires("assist:write")]
Reader = Annotated[Caller, requires("assist:read")]
ConversationId = Annotated[ExternalId, Path(description="Our id of the conversation, `cnv_…`.")]
Limit = Annotated[int, Query(ge=1, le=200, description="Rows of one page.")]
Cursor = Annotated[str | None, Query(description="The `next_cursor` of the page before.")]


@router.post("/v1/assist/conversations", status_code=201, response_model=Conversation)
async def begin(request: Request, body: ConversationRequest, held: Held, caller: Writer) -> Response:
    """Begin a conversation. It needs no memory yet, so it begins even while Redis is away."""
    caller.require_self(body.user_id)

    async def run() -> Conversation:
        row = await conversations.create(
            connection, caller.tenant_id, body.user_id, body.locale, body.channel, held.desk.now()
        )
        return conversation_of(row)

    async with held.db.begin() as connection:
        return await idempotent(connection, idempotency_keys, caller, request, body, run, status_code=201)


@router.post("/v1/assist/conversations/{conversation_id}/messages", status_code=201, response_model=TurnAnswer)
async def write(
    conversation_id: ConversationId, request: Request, body: MessageRequest, held: Held, caller: Writer
) -> Response:
    """Say something and get the answer. Of two messages at once one gets 409 `conversation_busy`; 转人工 always gets through."""
    desk = held.desk
    text = put_aside(body.text)
    async with held.db.connect() as connection:
        if (answered := await remembered(connection, idempotency_keys, caller, request, body)) is not None:
            return answered
        seen = await conversations.find(connection, caller, conversation_id)
    # Nothing of the database is held while the model works, or a few slow turns would keep everybody from a person.
    turn = desk.assistant.urgent(seen, text)
    turn = turn or await desk.assistant.turn(seen, text, expires=deadline_of(request).at)

    async def run() -> TurnAnswer:
        return await recording.record_turn(
            connection,
            desk.sessions,
            caller,
            seen,
            text,
            turn,
            now=desk.now(),
            most_messages=held.settings.assist_messages,
        )

    async with held.db.begin() as connection:
        return await idempotent(connection, idempotency_keys, caller, request, body, run, status_code=201)


@router.post("/v1/assist/conversations/{conversation_id}/hand-off", response_model=HandedOff)
async def ask_for_a_person(
    conversation_id: ConversationId, request: Request, body: HandOffRequest, held: Held, caller: Writer
) -> Response:
    """Ask for a person as a button does; asking again changes nothing. An agent named by a server takes over at once."""
    if body.agent_id is not None:
        servers_only(caller)

    async def run() -> HandedOff:
        return await recording.hand_over(connection, caller, conversation_id, body.agent_id, held.desk.now())

    async with held.db.begin() as connection:
        return await idempotent(connection, idempotency_keys, caller, request, body, run)


@router.post("/v1/assist/conversations/{conversation_id}/close")
async def close(conversation_id: ConversationId, held: Held, caller: Writer) -> Conversation:
    """End a conversation; ending it again changes nothing."""
    async with held.db.begin() as connection:
        return conversation_of(await recording.close(connection, caller, conversation_id, held.desk.now()))


@router.get("/v1/assist/conversations/{conversation_id}")
async def read(conversation_id: ConversationId, held: Held, caller: Reader) -> Conversation:
    """One conversation; to a person other people's do not exist."""
    async with held.db.connect() as connection:
        return conversation_of(await conversations.find(connection, caller, conversation_id))


@router.get("/v1/assist/conversations/{conversation_id}/messages")
async def read_messages(
    conversation_id: ConversationId, held: Held, caller: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Page[Message]:
    """The transcript, the first message first."""
    of = f"assist/conversations/{conversation_id}/messages"
    after = decode_cursor(of, cursor, int)[0] if cursor is not None else 0
    async with held.db.connect() as connection:
        row = await conversations.find(connection, caller, conversation_id)
        rows = await conversations.messages_of(
            connection, row.tenant_id, row.conversation_id, after=after, limit=limit + 1
        )
    data = [message_of(each) for each in rows[:limit]]
    more = len(rows) > limit
    return Page[Message](data=data, has_more=more, next_cursor=encode_cursor(of, data[-1].number) if more else None)


@router.get("/v1/assist/conversations")
async def list_conversations(
    held: Held,
    caller: Reader,
    user_id: Annotated[ExternalId | None, Query(description="Conversations of this person only.")] = None,
    owner: Annotated[Owner | None, Query(description="Conversations that are theirs to answer.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Conversation]:
    """Conversations, the newest first; a person sees its own."""
    if caller.kind == "person":
        caller.require_self(user_id or caller.subject)
        user_id = caller.subject
    before = decode_cursor(LIST, cursor, str)[0] if cursor is not None else None
    async with held.db.connect() as connection:
        rows = await conversations.page_of(
            connection, caller.tenant_id, user_id=user_id, owner=owner, before=before, limit=limit + 1
        )
    data = [conversation_of(each) for each in rows[:limit]]
    more = len(rows) > limit
    last = encode_cursor(LIST, data[-1].conversation_id) if more else None
    return Page[Conversation](data=data, has_more=more, next_cursor=last)


@router.delete("/v1/assist/people/{user_id:path}")
async def erase_person(user_id: Annotated[ExternalId, Path()], held: Held, caller: Writer) -> Erased:
    """Delete everything that customer service holds of a person: conversations, hand-offs, corrections, the bot's memory."""
    caller.require_self(user_id)
    async with held.db.begin() as connection:
        return await erase(connection, held.desk.sessions, caller.tenant_id, user_id)
