"""Hand-offs in the database: who asked for a person and why, who took it, how it ended. The transcript is the conversation's."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.assist.conversations import Row
from services.intent.assist.faults import HandOffNotFound
from services.intent.assist.turns import HandOff
from services.intent.tables import assist
from services.kit.ids import new_id

hand_offs = assist.hand_offs
OPEN = ("waiting", "claimed")


async def request(
    connection: AsyncConnection, conversation: Row, why: HandOff, now: datetime, *, agent_id: str | None = None
) -> Row:
    """A person is needed; with `agent_id` that person is there already."""
    row = {
        "tenant_id": conversation.tenant_id,
        "hand_off_id": new_id("hnd"),
        "conversation_id": conversation.conversation_id,
        "user_id": conversation.user_id,
        "reason": why.reason,
        "detail": why.detail,
        "status": "claimed" if agent_id else "waiting",
        "agent_id": agent_id,
        "requested_at": now,
        "claimed_at": now if agent_id else None,
    }
    return (await connection.execute(sa.insert(hand_offs).values(row).returning(hand_offs))).one()


async def find(connection: AsyncConnection, tenant_id: str, hand_off_id: str) -> Row:
    """One hand-off; raises `HandOffNotFound`."""
    query = sa.select(hand_offs).filter_by(tenant_id=tenant_id, hand_off_id=hand_off_id)
    row = (await connection.execute(query)).first()
    if row is None:
        raise HandOffNotFound
    return row


async def open_of(connection: AsyncConnection, conversation: Row) -> Row | None:
    """The hand-off of a conversation that has not ended; there is at most one."""
    query = sa.select(hand_offs).filter_by(
        tenant_id=conversation.tenant_id, conversation_id=conversation.conversation_id
    )
    return (await connection.execute(query.where(hand_offs.c.status.in_(OPEN)))).first()


async def claim(connection: AsyncConnection, row: Row, agent_id: str, now: datetime) -> Row:
    """The hand-off as somebody's."""
    return await _set(connection, row, status="claimed", agent_id=agent_id, claimed_at=now)


async def end(connection: AsyncConnection, row: Row, status: str, now: datetime) -> Row:
    """The hand-off as over: `given_back` or `closed`."""
    return await _set(connection, row, status=status, ended_at=now)


async def _set(connection: AsyncConnection, row: Row, **values: object) -> Row:
    mine = {"tenant_id": row.tenant_id, "hand_off_id": row.hand_off_id}
    statement = sa.update(hand_offs).filter_by(**mine).values(values).returning(hand_offs)
    return (await connection.execute(statement)).one()


async def page_of(
    connection: AsyncConnection,
    tenant_id: str,
    *,
    status: str | None,
    reason: str | None,
    after: str | None,
    limit: int,
) -> Sequence[Row]:
    """Hand-offs, those that wait longest first, behind the id `after`."""
    query = sa.select(hand_offs).filter_by(tenant_id=tenant_id)
    for column, value in ((hand_offs.c.status, status), (hand_offs.c.reason, reason)):
        query = query if value is None else query.where(column == value)
    if after is not None:
        query = query.where(hand_offs.c.hand_off_id > after)
    return (await connection.execute(query.order_by(hand_offs.c.hand_off_id).limit(limit))).all()
