"""Silences in the database."""

from datetime import datetime

from sqlalchemy import func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.monitor.alert_schemas import Silence, SilenceIn
from services.intent.monitor.alerts import SilenceRule
from services.intent.tables import monitor as tables
from services.kit.errors import InvalidInput, NotFound
from services.kit.ids import new_id
from services.kit.pagination import Page, decode_cursor, encode_cursor

silences = tables.silences
LIST = "monitor/silences"
_SHOWN = [silences.c[name] for name in Silence.model_fields]


async def add(connection: AsyncConnection, tenant_id: str, said: SilenceIn, subject: str, now: datetime) -> Silence:
    """Begin a silence; raises InvalidInput for one that is over already."""
    if said.ends_at <= now:
        raise InvalidInput("A silence ends in the future.", param="ends_at")
    row = {
        "silence_id": new_id("sil"),
        "topic": said.topic,
        "source": said.source,
        "starts_at": said.starts_at or now,
        "ends_at": said.ends_at,
        "reason": said.reason,
        "created_by": said.by or subject,
        "created_at": now,
    }
    await connection.execute(insert(silences).values(tenant_id=tenant_id, **row))
    return Silence.model_validate(row)


async def end(connection: AsyncConnection, tenant_id: str, silence_id: str, now: datetime) -> Silence:
    """End a silence now; one that is over stays as it is. Raises NotFound."""
    c = silences.c
    where = (c.tenant_id == tenant_id) & (c.silence_id == silence_id)
    ended = update(silences).where(where).values(ends_at=func.least(c.ends_at, now)).returning(*_SHOWN)
    row = (await connection.execute(ended)).mappings().one_or_none()
    if row is None:
        raise NotFound("No such silence.", param="silence_id")
    return Silence.model_validate(dict(row))


async def in_force(connection: AsyncConnection, tenant_id: str, now: datetime) -> list[SilenceRule]:
    c = silences.c
    query = select(c.silence_id, c.topic, c.source).where(c.tenant_id == tenant_id, c.starts_at <= now, c.ends_at > now)
    return [SilenceRule(*row) for row in await connection.execute(query.order_by(c.created_at))]


async def page(
    connection: AsyncConnection, tenant_id: str, *, now: datetime, active: bool, cursor: str | None, limit: int
) -> Page[Silence]:
    """Silences, the newest first; with `active` those that are not over."""
    c = silences.c
    query = select(*_SHOWN).where(c.tenant_id == tenant_id)
    if active:
        query = query.where(c.ends_at > now)
    if cursor is not None:
        query = query.where(tuple_(c.created_at, c.silence_id) < tuple_(*decode_cursor(LIST, cursor, datetime, str)))
    query = query.order_by(c.created_at.desc(), c.silence_id.desc()).limit(limit + 1)
    rows = [Silence.model_validate(dict(row)) for row in (await connection.execute(query)).mappings()]
    more = len(rows) > limit
    last = encode_cursor(LIST, rows[limit - 1].created_at, rows[limit - 1].silence_id) if more else None
    return Page[Silence](data=rows[:limit], has_more=more, next_cursor=last)
