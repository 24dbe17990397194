"""Rows of the database as they are told."""

from datetime import UTC, datetime

from services.intent.assist.conversations import Row
from services.intent.assist.schemas import (
    ActionView,
    AssistLink,
    CitationView,
    Conversation,
    Correction,
    HandOff,
    Heard,
    Message,
)


def conversation_of(row: Row) -> Conversation:
    return Conversation(
        conversation_id=row.conversation_id,
        user_id=row.user_id,
        owner=row.owner,
        version=row.version,
        locale=row.locale,
        channel=row.channel,
        messages=row.messages,
        hand_offs=row.hand_offs,
        agent_id=row.agent_id,
        close_reason=row.close_reason,
        created_at=_utc(row.created_at),
        last_message_at=_utc(row.last_message_at),
        closed_at=_utc(row.closed_at) if row.closed_at else None,
    )


def message_of(row: Row) -> Message:
    heard = None
    if row.label is not None:
        heard = Heard(
            label=row.label,
            confidence=row.confidence,
            in_scope=row.in_scope,
            sentiment=row.sentiment,
            model=row.model,
        )
    content = row.content
    return Message(
        number=row.number,
        author=row.author,
        text=row.text,
        locale=row.locale,
        created_at=_utc(row.created_at),
        outcome=row.outcome,
        heard=heard,
        retrieval=row.retrieval,
        citations=[CitationView(**each) for each in content.get("citations", ())],
        links=[AssistLink(**each) for each in content.get("links", ())],
        action=ActionView(**content["action"]) if content.get("action") else None,
        agent_id=row.agent_id,
    )


def hand_off_of(row: Row) -> HandOff:
    return HandOff(
        hand_off_id=row.hand_off_id,
        conversation_id=row.conversation_id,
        user_id=row.user_id,
        reason=row.reason,
        detail=row.detail,
        status=row.status,
        agent_id=row.agent_id,
        requested_at=_utc(row.requested_at),
        claimed_at=_utc(row.claimed_at) if row.claimed_at else None,
        ended_at=_utc(row.ended_at) if row.ended_at else None,
    )


def correction_of(row: Row) -> Correction:
    return Correction(
        conversation_id=row.conversation_id,
        number=row.number,
        text=row.text,
        label=row.label,
        lang="zh" if row.locale == "zh-CN" else "en",
        predicted=row.predicted,
        model=row.model,
        corrected_by=row.corrected_by,
        corrected_at=_utc(row.corrected_at),
    )


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
