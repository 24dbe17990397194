"""Sums over conversations and messages of a stretch of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.assist.report_schemas import Share
from services.intent.monitor.counts import wilson
from services.intent.tables import assist

MOST_QUESTIONS = 2_000
"""Questions without an answer that are clustered: the newest."""

_MISSED = ("no_answer", "low_confidence")


@dataclass(frozen=True, slots=True)
class Sums:
    """Counts by name, and the questions that had no answer, the newest first."""

    conversations: int
    contained: int
    hand_offs: dict[str, int]
    turns: dict[str, int]
    labels: dict[str, int]
    understood_or_not: int
    not_understood: int
    searched: int
    found: int
    questions: Sequence[str]


async def sums_of(connection: AsyncConnection, tenant_id: str, since: datetime, until: datetime) -> Sums:
    """Everything that began, or was written, from `since` and before `until`."""
    talks, said, handed = assist.conversations.c, assist.messages.c, assist.hand_offs.c
    began = sa.and_(
        talks.tenant_id == tenant_id, talks.created_at >= since, talks.created_at < until, talks.messages > 0
    )
    held = sa.select(sa.func.count(), sa.func.count().filter(talks.hand_offs == 0)).where(began)
    conversations, contained = (await connection.execute(held)).one()
    written = sa.and_(
        said.tenant_id == tenant_id, said.created_at >= since, said.created_at < until, said.author == "user"
    )
    missed = sa.or_(said.outcome == "unsure", said.content["hand_off"].astext == "low_confidence")
    judged = sa.select(
        sa.func.count().filter(said.label.is_not(None)),
        sa.func.count().filter(missed),
        sa.func.count().filter(said.retrieval.is_not(None)),
        sa.func.count().filter(said.outcome == "knowledge"),
    ).where(written)
    understood_or_not, not_understood, searched, found = (await connection.execute(judged)).one()
    asked = sa.and_(handed.tenant_id == tenant_id, handed.requested_at >= since, handed.requested_at < until)
    unanswered = sa.or_(
        said.outcome.in_(("no_answer", "suggestions", "unsure")), said.content["hand_off"].astext.in_(_MISSED)
    )
    newest = sa.select(said.text).where(written, unanswered).order_by(said.created_at.desc()).limit(MOST_QUESTIONS)
    return Sums(
        conversations=conversations,
        contained=contained,
        hand_offs=await _counts(connection, handed.reason, asked),
        turns=await _counts(connection, said.outcome, written),
        labels=await _counts(connection, said.label, sa.and_(written, said.label.is_not(None))),
        understood_or_not=understood_or_not,
        not_understood=not_understood,
        searched=searched,
        found=found,
        questions=(await connection.execute(newest)).scalars().all(),
    )


async def _counts(connection: AsyncConnection, column: sa.Column[Any], where: sa.ColumnElement[bool]) -> dict[str, int]:
    """How often each value is there, the commonest first."""
    query = sa.select(column, sa.func.count()).where(where).group_by(column).order_by(sa.func.count().desc(), column)
    return {row[0]: row[1] for row in await connection.execute(query)}


def share(count: int, of: int) -> Share:
    low, high = wilson(count, of)
    return Share(count=count, of=of, value=round(count / of, 4) if of else None, low=round(low, 4), high=round(high, 4))
