"""What could not be kept: read it, try it again."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from services.kit.identity import Caller, requires
from services.kit.pagination import Page, decode_cursor, encode_cursor
from services.profile.dead_letters import page_of
from services.profile.replays import replay
from services.profile.resources import Opened
from services.profile.routes.callers import servers_only
from services.profile.schemas import DeadLetter, Replay, Replayed

router = APIRouter(prefix="/v1/dead-letters", tags=["events"])
LIST = "dead-letters"


@router.get("")
async def dead_letters(
    caller: Annotated[Caller, requires("events:export")],
    resources: Opened,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[DeadLetter]:
    """Messages and rows that were refused, the oldest first, as they came."""
    servers_only(caller)
    after = decode_cursor(LIST, cursor, datetime, str) if cursor is not None else None
    async with resources.db.connect() as connection:
        rows = await page_of(connection, caller.tenant_id, limit=limit + 1, after=after)
    shown, more = [DeadLetter.model_validate(row) for row in rows[:limit]], len(rows) > limit
    last = encode_cursor(LIST, shown[-1].received_at, shown[-1].dead_letter_id) if more else None
    return Page[DeadLetter](data=shown, has_more=more, next_cursor=last)


@router.post("/replay")
async def replay_letters(
    body: Replay, caller: Annotated[Caller, requires("events:write")], resources: Opened
) -> Replayed:
    """Try refused messages and rows again, the named ones or the oldest."""
    servers_only(caller)
    return await replay(resources, caller, body)
