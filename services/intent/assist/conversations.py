"""Conversations and their messages in the database. A conversation changes only from the version that its writer has seen."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.assist.faults import ConversationBusy, ConversationNotFound
from services.intent.assist.turns import Turn
from services.intent.tables import assist
from services.kit.identity import Caller
from services.kit.ids import new_id
from services.kit.wire import Locale

Row = Any
"""A row of one of the tables; columns as attributes."""

NewMessage = dict[str, Any]
"""Columns of a message but for its key and moment."""

conversations, messages = assist.conversations, assist.messages


async def create(
    connection: AsyncConnection, tenant_id: str, user_id: str, locale: Locale, channel: str | None, now: datetime
) -> Row:
    """A new conversation, of the bot."""
    row = {
        "tenant_id": tenant_id,
        "conversation_id": new_id("cnv"),
        "user_id": user_id,
        "owner": "bot",
        "version": 0,
        "fresh_at": 0,
        "messages": 0,
        "hand_offs": 0,
        "locale": locale,
        "channel": channel,
        "created_at": now,
        "last_message_at": now,
    }
    return (await connection.execute(sa.insert(conversations).values(row).returning(conversations))).one()


async def find(connection: AsyncConnection, caller: Caller, conversation_id: str, *, lock: bool = False) -> Row:
    """One conversation that the caller may see; to a person other people's do not exist. `lock`: until the transaction ends."""
    query = sa.select(conversations).filter_by(tenant_id=caller.tenant_id, conversation_id=conversation_id)
    row = (await connection.execute(query.with_for_update() if lock else query)).first()
    if row is None or (caller.kind == "person" and row.user_id != caller.subject):
        raise ConversationNotFound
    return row


async def change(
    connection: AsyncConnection,
    row: Row,
    now: datetime,
    added: Sequence[NewMessage] = (),
    **changes: Any,
) -> Row:
    """Add messages and change columns; raises `ConversationBusy` when somebody else changed the conversation since `row` was read."""
    mine = {"tenant_id": row.tenant_id, "conversation_id": row.conversation_id, "version": row.version}
    values = {"version": row.version + 1, "messages": row.messages + len(added), **changes}
    if added:
        values["last_message_at"] = now
    statement = sa.update(conversations).filter_by(**mine).values(values).returning(conversations)
    changed = (await connection.execute(statement)).first()
    if changed is None:
        raise ConversationBusy
    if added:
        key = {"tenant_id": row.tenant_id, "conversation_id": row.conversation_id, "created_at": now}
        numbered = [{**_EMPTY, **each, **key, "number": row.messages + place} for place, each in enumerate(added, 1)]
        await connection.execute(sa.insert(messages), numbered)
    return changed


_EMPTY = dict.fromkeys(
    ("outcome", "label", "confidence", "in_scope", "sentiment", "model", "retrieval", "agent_id")
) | {"content": {}}  # fmt: skip


def from_user(text: str, turn: Turn) -> NewMessage:
    """What the person wrote, with what was understood of it and what became of it."""
    message: NewMessage = {
        "author": "user",
        "text": text,
        "locale": turn.locale,
        "outcome": turn.outcome,
        "retrieval": turn.retrieval,
    }
    if turn.hand_off is not None:
        message["content"] = {"hand_off": turn.hand_off.reason}
    if turn.heard is None:
        return message
    heard = turn.heard
    return message | {
        "label": heard.label,
        "confidence": heard.confidence,
        "in_scope": heard.in_scope,
        "sentiment": heard.sentiment,
        "model": heard.model,
    }


def from_bot(turn: Turn) -> NewMessage:
    """The bot's answer with what it rests on and what it asks the platform to do."""
    content: dict[str, Any] = {
        "citations": [asdict(each) for each in turn.citations],
        "links": [each.model_dump() for each in turn.links],
        "action": asdict(turn.action) if turn.action else None,
    }
    return {
        "author": "bot",
        "text": turn.text or "",
        "locale": turn.locale,
        "outcome": turn.outcome,
        "content": {name: value for name, value in content.items() if value},
    }


def from_agent(text: str, agent_id: str, locale: str) -> NewMessage:
    return {"author": "agent", "text": text, "locale": locale, "agent_id": agent_id}


async def messages_of(
    connection: AsyncConnection, tenant_id: str, conversation_id: str, *, after: int = 0, limit: int | None = None
) -> Sequence[Row]:
    """Messages in their order behind number `after`; all of them without a limit."""
    query = sa.select(messages).filter_by(tenant_id=tenant_id, conversation_id=conversation_id)
    query = query.where(messages.c.number > after).order_by(messages.c.number).limit(limit)
    return (await connection.execute(query)).all()


async def page_of(
    connection: AsyncConnection,
    tenant_id: str,
    *,
    user_id: str | None,
    owner: Literal["bot", "agent", "closed"] | None,
    before: str | None,
    limit: int,
) -> Sequence[Row]:
    """Conversations, the newest first, those before the id `before`."""
    wanted: Mapping[str, Any] = {"tenant_id": tenant_id, "user_id": user_id, "owner": owner}
    query = sa.select(conversations).filter_by(**{name: value for name, value in wanted.items() if value is not None})
    if before is not None:
        query = query.where(conversations.c.conversation_id < before)
    return (await connection.execute(query.order_by(conversations.c.conversation_id.desc()).limit(limit))).all()
