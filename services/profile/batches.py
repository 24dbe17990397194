"""The batch API: every message is judged alone, and what can be kept is kept in one transaction."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.identity import Caller
from services.profile.dead_letters import Undeliverable, bury
from services.profile.declarations import declare
from services.profile.messages import Message, MessageRefused, payload_text, raw_message_id, read_message
from services.profile.recording import record_events
from services.profile.resources import Resources
from services.profile.schemas import BatchResult, Status, Verdict

EVENTS = Counter("kuajie_profile_events_total", "Messages by what became of them.", ["route", "status"])

FROM_SERVERS_ONLY = frozenset({"purchase_completed", "purchase_refunded", "policy_bound", "campaign_converted"})
"""What a platform's own servers witness; a person's credential could only claim it."""

NOT_FOR_PEOPLE = MessageRefused("event_from_servers_only", "event", "Only a server's credential may report this event.")
NOT_YOURS = MessageRefused("forbidden", "user_id", "This credential may only send messages of its own user.")


async def accept_batch(resources: Resources, caller: Caller, batch: Sequence[object]) -> BatchResult:
    """Keep the good messages of a batch and bury the bad ones."""
    received_at = resources.clock()
    judged = await asyncio.to_thread(judge, batch, caller, received_at)
    messages = [each for each in judged if isinstance(each, Message)]
    async with resources.db.begin() as connection:
        kept = await record(connection, messages, resources, received_at)
        await bury(connection, caller.tenant_id, "batch", _undeliverable(batch, judged), received_at)
    result = _result(batch, judged, kept)
    for status, number in (
        ("accepted", result.accepted),
        ("duplicate", result.duplicates),
        ("rejected", result.rejected),
    ):
        EVENTS.labels("batch", status).inc(number)
    return result


def judge(batch: Sequence[object], caller: Caller, received_at: datetime) -> list[Message | MessageRefused]:
    """Each message of a batch, or why it is refused."""
    judged: list[Message | MessageRefused] = []
    for raw in batch:
        try:
            message = read_message(raw, tenant_id=caller.tenant_id, received_at=received_at)
        except MessageRefused as refused:
            judged.append(refused)
        else:
            judged.append(message if caller.kind == "server" else _said_by_a_person(message, caller.subject))
    return judged


def _said_by_a_person(message: Message, subject: str) -> Message | MessageRefused:
    """People speak for themselves, of what they may witness, and their message ids are their own: none can pre-empt a server's."""
    if message.event.user_id != subject:
        return NOT_YOURS
    if message.event.name in FROM_SERVERS_ONLY:
        return NOT_FOR_PEOPLE
    return replace(message, event=message.event._replace(message_id=own_message_id(subject, message.event.message_id)))


def own_message_id(subject: str, message_id: str) -> str:
    """A person's message id among those of the tenant."""
    return f"{subject}/{message_id}"


async def record(
    connection: AsyncConnection, messages: Sequence[Message], resources: Resources, now: datetime
) -> set[str]:
    """Keep, count, declare and publish messages of one tenant; the message ids that were new."""
    events = [message.event for message in messages]
    kept = await record_events(connection, events, home_currency=resources.settings.home_currency, now=now)
    fresh = {event.message_id for event in kept}
    first: dict[str, Message] = {}
    for message in messages:
        first.setdefault(message.event.message_id, message)
    await declare(connection, [message for key, message in first.items() if key in fresh])
    return fresh


def _undeliverable(batch: Sequence[object], judged: Sequence[Message | MessageRefused]) -> list[Undeliverable]:
    """What to bury. What a person may not say for another is not kept: a replay would say it with our credential."""
    return [
        Undeliverable(refused.reason, refused.param, refused.detail, payload_text(raw))
        for raw, refused in zip(batch, judged, strict=True)
        if isinstance(refused, MessageRefused) and refused not in (NOT_YOURS, NOT_FOR_PEOPLE)
    ]


def _result(batch: Sequence[object], judged: Sequence[Message | MessageRefused], kept: set[str]) -> BatchResult:
    pending, results = set(kept), []
    for place, (raw, outcome) in enumerate(zip(batch, judged, strict=True)):
        if isinstance(outcome, MessageRefused):
            param = f"batch.{place}" if outcome.param == "message" else f"batch.{place}.{outcome.param}"
            verdict = Verdict.model_construct(
                message_id=raw_message_id(raw),
                status="rejected",
                code=outcome.reason,
                param=param,
                detail=outcome.detail,
            )
        else:
            message_id = outcome.event.message_id
            status: Status = "accepted" if message_id in pending else "duplicate"
            pending.discard(message_id)
            verdict = Verdict.model_construct(message_id=raw_message_id(raw), status=status)
        results.append(verdict)
    statuses = [verdict.status for verdict in results]
    return BatchResult.model_construct(
        accepted=statuses.count("accepted"),
        duplicates=statuses.count("duplicate"),
        rejected=statuses.count("rejected"),
        results=results,
    )
