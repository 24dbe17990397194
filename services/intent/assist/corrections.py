"""What messages really meant, as agents say: rows to train from."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.assist.conversations import Row
from services.intent.assist.faults import MessageNotFound, NotCorrectable
from services.intent.assist.masking import masked
from services.intent.assist.schemas import CorrectionRequest
from services.intent.tables import assist

corrections, messages = assist.corrections, assist.messages


async def correct(connection: AsyncConnection, conversation: Row, said: CorrectionRequest, now: datetime) -> Row:
    """Keep the right label of a person's message, over an earlier one. Raises `MessageNotFound`, `NotCorrectable`."""
    key = {
        "tenant_id": conversation.tenant_id,
        "conversation_id": conversation.conversation_id,
        "number": said.number,
    }
    message = (await connection.execute(sa.select(messages).filter_by(**key))).first()
    if message is None:
        raise MessageNotFound
    if message.author != "user":
        raise NotCorrectable
    values = {
        "user_id": conversation.user_id,
        "text": masked(message.text),
        "locale": message.locale,
        "label": said.label,
        "predicted": message.label,
        "model": message.model,
        "corrected_by": said.corrected_by,
        "corrected_at": now,
    }
    statement = upsert(corrections).values(**key, **values)
    statement = statement.on_conflict_do_update(index_elements=list(key), set_=values)
    return (await connection.execute(statement.returning(corrections))).one()


async def page_of(
    connection: AsyncConnection, tenant_id: str, *, after: tuple[str, int] | None, limit: int
) -> Sequence[Row]:
    """Corrections in the order of their conversations, which is that of time."""
    key = (corrections.c.conversation_id, corrections.c.number)
    query = sa.select(corrections).filter_by(tenant_id=tenant_id)
    if after is not None:
        query = query.where(sa.func.row(*key) > sa.func.row(*after))
    return (await connection.execute(query.order_by(*key).limit(limit))).all()
