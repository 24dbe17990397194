"""A turn, written: message, answer, hand-off and the bot's memory become true together."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.assist import conversations, hand_offs
from services.intent.assist.conversations import Row, from_agent, from_bot, from_user
from services.intent.assist.faults import (
    AlreadyClaimed,
    ConversationBusy,
    ConversationClosed,
    ConversationFull,
    NotWithAgent,
)
from services.intent.assist.metrics import CONVERSATIONS, HAND_OFFS, TURNS
from services.intent.assist.schemas import AgentReplied, HandedOff, TurnAnswer
from services.intent.assist.sessions import Sessions, SessionsUnavailable
from services.intent.assist.turns import HandOff, Turn
from services.intent.assist.views import conversation_of, hand_off_of, message_of
from services.kit.identity import Caller


async def record_turn(
    connection: AsyncConnection,
    sessions: Sessions,
    caller: Caller,
    seen: Row,
    text: str,
    turn: Turn,
    *,
    now: datetime,
    most_messages: int,
) -> TurnAnswer:
    """Write a turn onto the conversation as it was `seen`.

    A turn of the bot raises `ConversationBusy` when the conversation has changed since. A hand-off by rule, which depends on nothing
    that was seen, is written onto whatever there is now; so is a message to a person.
    """
    row = await conversations.find(connection, caller, seen.conversation_id, lock=True)
    turn = _as_it_may_be(turn, row, seen, most_messages)
    written = [from_user(text, turn), *([from_bot(turn)] if turn.text is not None else [])]
    changed, opened = await _changed(connection, row, turn, written, now)
    await _remember(sessions, changed, turn)
    added = [message_of(each) for each in await conversations.messages_of(
        connection, row.tenant_id, row.conversation_id, after=row.messages
    )]  # fmt: skip
    TURNS.labels(turn.outcome).inc()
    if turn.hand_off is not None:
        HAND_OFFS.labels(turn.hand_off.reason).inc()
    _count(row, changed)
    return TurnAnswer(
        conversation=conversation_of(changed),
        message=added[0],
        reply=added[1] if len(added) > 1 else None,
        hand_off=hand_off_of(opened) if opened is not None else None,
    )


def _as_it_may_be(turn: Turn, row: Row, seen: Row, most_messages: int) -> Turn:
    """The turn that is written onto `row`, silent while a person answers. Raises why there can be none."""
    if row.owner == "closed" and row.close_reason != "expired":
        raise ConversationClosed
    depends = turn.session is not None or turn.heard is not None
    if depends and row.version != seen.version:
        raise ConversationBusy
    if row.owner == "agent":
        turn = Turn(turn.locale, "silent")
    elif turn.outcome == "silent":
        raise ConversationBusy  # it was given back a moment ago: the bot has not heard this text
    if row.messages + 2 > most_messages and turn.hand_off is None and row.owner != "agent":
        raise ConversationFull
    return turn


async def _changed(
    connection: AsyncConnection, row: Row, turn: Turn, written: list[conversations.NewMessage], now: datetime
) -> tuple[Row, Row | None]:
    """The conversation after the turn, and the hand-off when there is one."""
    if turn.hand_off is None:
        return await conversations.change(connection, row, now, written, locale=turn.locale), None
    to_agent = {"owner": "agent", "hand_offs": row.hand_offs + 1, "close_reason": None, "closed_at": None}
    changed = await conversations.change(connection, row, now, written, locale=turn.locale, **to_agent)
    opened = await hand_offs.request(connection, changed, turn.hand_off, now)
    return changed, opened


def _count(before: Row, after: Row) -> None:
    """As the analytics do: what was handed off counts from its first message on."""
    if after.messages and not before.messages:
        CONVERSATIONS.labels("begun").inc()
    if after.messages and after.hand_offs and not (before.messages and before.hand_offs):
        CONVERSATIONS.labels("handed_off").inc()


async def _remember(sessions: Sessions, row: Row, turn: Turn) -> None:
    """Inside the transaction: where the memory cannot be written the turn is not either. Forgetting may wait for the expiry."""
    if turn.session is not None:
        await sessions.save(row.tenant_id, row.conversation_id, replace(turn.session, version=row.version))
    elif turn.hand_off is not None:
        with suppress(SessionsUnavailable):
            await sessions.forget(row.tenant_id, row.conversation_id)


async def hand_over(
    connection: AsyncConnection, caller: Caller, conversation_id: str, agent_id: str | None, now: datetime
) -> HandedOff:
    """A person asked for by a button, or an agent who takes over. With a person already, nothing changes but who it is."""
    row = await conversations.find(connection, caller, conversation_id, lock=True)
    if row.owner == "closed" and row.close_reason != "expired":
        raise ConversationClosed
    why = HandOff("agent" if agent_id else "requested")
    if row.owner == "agent":
        if agent_id is not None:
            return await take(connection, row, agent_id, now)
        return HandedOff(conversation=conversation_of(row), hand_off=hand_off_of(await _open(connection, row)))
    to_agent = {"owner": "agent", "hand_offs": row.hand_offs + 1, "close_reason": None, "closed_at": None}
    changed = await conversations.change(connection, row, now, agent_id=agent_id, **to_agent)
    opened = await hand_offs.request(connection, changed, why, now, agent_id=agent_id)
    HAND_OFFS.labels(why.reason).inc()
    _count(row, changed)
    return HandedOff(conversation=conversation_of(changed), hand_off=hand_off_of(opened))


async def take(connection: AsyncConnection, row: Row, agent_id: str, now: datetime) -> HandedOff:
    """An agent claims what waits; claiming it again is no error. Raises `AlreadyClaimed`, `NotWithAgent`."""
    opened = await _open(connection, row)
    if opened.status == "waiting":
        opened = await hand_offs.claim(connection, opened, agent_id, now)
        row = await conversations.change(connection, row, now, agent_id=agent_id)
    elif opened.agent_id != agent_id:
        raise AlreadyClaimed
    return HandedOff(conversation=conversation_of(row), hand_off=hand_off_of(opened))


async def reply(
    connection: AsyncConnection, caller: Caller, conversation_id: str, agent_id: str, text: str, now: datetime
) -> AgentReplied:
    """An agent's words join the transcript; who answers what waits has claimed it. Raises `AlreadyClaimed`, `NotWithAgent`."""
    row = await conversations.find(connection, caller, conversation_id, lock=True)
    await take(connection, row, agent_id, now)
    row = await conversations.find(connection, caller, conversation_id)
    changed = await conversations.change(connection, row, now, [from_agent(text, agent_id, row.locale)])
    _count(row, changed)
    [added] = await conversations.messages_of(connection, row.tenant_id, row.conversation_id, after=row.messages)
    return AgentReplied(conversation=conversation_of(changed), message=message_of(added))


async def give_back(
    connection: AsyncConnection, caller: Caller, conversation_id: str, agent_id: str, now: datetime
) -> HandedOff:
    """The bot has it again, with a fresh memory."""
    row = await conversations.find(connection, caller, conversation_id, lock=True)
    opened = await _open(connection, row)
    if opened.agent_id not in {None, agent_id}:
        raise AlreadyClaimed
    ended = await hand_offs.end(connection, opened, "given_back", now)
    changed = await conversations.change(connection, row, now, owner="bot", agent_id=None, fresh_at=row.version + 1)
    return HandedOff(conversation=conversation_of(changed), hand_off=hand_off_of(ended))


async def close(connection: AsyncConnection, caller: Caller, conversation_id: str, now: datetime) -> Row:
    """The end, by the person or by an agent; closing again changes nothing."""
    row = await conversations.find(connection, caller, conversation_id, lock=True)
    if row.owner == "closed":
        return row
    if (opened := await hand_offs.open_of(connection, row)) is not None:
        await hand_offs.end(connection, opened, "closed", now)
    by = "user" if caller.kind == "person" or row.owner == "bot" else "agent"
    return await conversations.change(connection, row, now, owner="closed", close_reason=by, closed_at=now)


async def _open(connection: AsyncConnection, row: Row) -> Row:
    opened = await hand_offs.open_of(connection, row)
    if opened is None:
        raise NotWithAgent
    return opened
