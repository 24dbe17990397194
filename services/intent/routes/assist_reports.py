"""What customer service teaches: how it goes, what it could not answer, what it misunderstood."""

import asyncio
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from services.intent.assist import conversations
from services.intent.assist.analytics import share, sums_of
from services.intent.assist.clusters import clusters_of
from services.intent.assist.corrections import correct, page_of
from services.intent.assist.report_schemas import Analytics, UnansweredCluster
from services.intent.assist.schemas import Correction, CorrectionRequest
from services.intent.assist.views import correction_of
from services.intent.resources import Held
from services.intent.routes.assist import ConversationId, Cursor, Limit
from services.intent.routes.callers import servers_only
from services.intent.tables import idempotency_keys
from services.kit.errors import InvalidInput
from services.kit.idempotency import idempotent
from services.kit.identity import Caller, requires
from services.kit.pagination import Page, decode_cursor, encode_cursor
from services.kit.wire import Timestamp

router = APIRouter(tags=["assist"])

Agent = Annotated[Caller, requires("assist:agent")]
Reporter = Annotated[Caller, requires("assist:report")]
USUAL_DAYS, MOST_DAYS = 7, 366
CLUSTERS = 20
LIST = "assist/corrections"


@router.get("/v1/assist/analytics")
async def analytics(
    held: Held,
    caller: Reporter,
    since: Annotated[Timestamp | None, Query(description="Seven days before `until` by default.")] = None,
    until: Annotated[Timestamp | None, Query(description="Now by default.")] = None,
) -> Analytics:
    """Containment, hand-offs, labels, knowledge hits, and what had no answer, from `since` and before `until`."""
    servers_only(caller)
    end = until or held.desk.now()
    begin = since or end - timedelta(days=USUAL_DAYS)
    if not timedelta(0) < end - begin <= timedelta(days=MOST_DAYS):
        raise InvalidInput(f"since is before until, by at most {MOST_DAYS} days.", param="since")
    async with held.db.connect() as connection:
        sums = await sums_of(connection, caller.tenant_id, begin, end)
    words = held.desk.assistant.dialogue.texts.words
    questions = [each for each in sums.questions if words.asks_something(each)]
    clusters = await asyncio.to_thread(clusters_of, questions, held.desk.common, limit=CLUSTERS)
    return Analytics(
        since=begin,
        until=end,
        conversations=sums.conversations,
        contained=share(sums.contained, sums.conversations),
        hand_offs=sums.hand_offs,
        turns=sums.turns,
        labels=sums.labels,
        not_understood=share(sums.not_understood, sums.understood_or_not),
        knowledge_hits=share(sums.found, sums.searched),
        unanswered=[
            UnansweredCluster(
                terms=list(each.terms),
                representative=each.representative,
                count=each.count,
                examples=list(each.examples),
            )
            for each in clusters
        ],
        unanswered_read=len(questions),
    )


@router.post("/v1/assist/conversations/{conversation_id}/corrections", status_code=201, response_model=Correction)
async def put_right(
    conversation_id: ConversationId, request: Request, body: CorrectionRequest, held: Held, caller: Agent
) -> Response:
    """Say what a person's message really meant; said again it replaces what was said before."""
    servers_only(caller)

    async def run() -> Correction:
        row = await conversations.find(connection, caller, conversation_id)
        return correction_of(await correct(connection, row, body, held.desk.now()))

    async with held.db.begin() as connection:
        return await idempotent(connection, idempotency_keys, caller, request, body, run, status_code=201)


@router.get("/v1/assist/corrections")
async def list_corrections(held: Held, caller: Reporter, limit: Limit = 50, cursor: Cursor = None) -> Page[Correction]:
    """All corrections, the oldest conversation first: training data, masked."""
    servers_only(caller)
    after = decode_cursor(LIST, cursor, str, int) if cursor is not None else None
    async with held.db.connect() as connection:
        rows = await page_of(connection, caller.tenant_id, after=after, limit=limit + 1)
    data = [correction_of(each) for each in rows[:limit]]
    more = len(rows) > limit
    last = encode_cursor(LIST, data[-1].conversation_id, data[-1].number) if more else None
    return Page[Correction](data=data, has_more=more, next_cursor=last)
