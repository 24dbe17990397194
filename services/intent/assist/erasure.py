"""What is deleted: a person's conversations on request, old ones by age."""

from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.assist.schemas import Erased
from services.intent.assist.sessions import Sessions
from services.intent.tables import assist, idempotency_keys

AT_ONCE = 500
"""Conversations that one statement of the retention deletes."""


async def erase(connection: AsyncConnection, sessions: Sessions, tenant_id: str, user_id: str) -> Erased:
    """Everything of a person, remembered answers included. Raises `SessionsUnavailable`: what is not all done is not done."""
    mine = {"tenant_id": tenant_id, "user_id": user_id}
    query = sa.select(assist.conversations.c.conversation_id, assist.conversations.c.messages).filter_by(**mine)
    rows = (await connection.execute(query.with_for_update())).all()
    ids = [row.conversation_id for row in rows]
    await connection.execute(sa.delete(assist.conversations).filter_by(**mine))
    corrected = cast("sa.CursorResult[Any]", await connection.execute(sa.delete(assist.corrections).filter_by(**mine)))
    await _forget_answers(connection, tenant_id, ids)
    await sessions.forget(tenant_id, *ids)
    return Erased(
        user_id=user_id,
        conversations=len(ids),
        messages=sum(row.messages for row in rows),
        corrections=corrected.rowcount,
    )


async def _forget_answers(connection: AsyncConnection, tenant_id: str, conversation_ids: list[str]) -> None:
    """Answers kept for repeats name the conversation in their route or in their body."""
    keys = idempotency_keys.c
    for each in conversation_ids:
        named = keys.route.contains(each) | (sa.func.position(sa.func.convert_to(each, "UTF8").op("IN")(keys.body)) > 0)
        ours = (keys.tenant_id == tenant_id) & keys.route.startswith("POST /v1/assist/")
        await connection.execute(sa.delete(idempotency_keys).where(ours & named))


async def delete_old(connection: AsyncConnection, before: datetime) -> int:
    """Delete conversations without a message since `before`, at most `AT_ONCE`; those that wait for a person stay."""
    table = assist.conversations
    old = (
        sa.select(table.c.tenant_id, table.c.conversation_id)
        .where((table.c.last_message_at < before) & (table.c.owner != "agent"))
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    key = sa.tuple_(table.c.tenant_id, table.c.conversation_id)
    deleted = await connection.execute(sa.delete(table).where(key.in_(old)))
    return cast("sa.CursorResult[Any]", deleted).rowcount


async def close_idle(connection: AsyncConnection, before: datetime, now: datetime) -> int:
    """Conversations of the bot without a message since `before` are closed as expired."""
    table = assist.conversations
    idle = (table.c.owner == "bot") & (table.c.last_message_at < before)
    closed = {"owner": "closed", "close_reason": "expired", "closed_at": now, "version": table.c.version + 1}
    return cast("sa.CursorResult[Any]", await connection.execute(sa.update(table).where(idle).values(closed))).rowcount
