"""Consents into and out of the database: a history that only grows, and the answer in force."""

from collections import Counter as Tally
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.database import driver
from services.kit.errors import InvalidInput
from services.kit.ids import new_id
from services.kit.stream import Envelope, publish
from services.profile.bulk import BulkInsert, Column
from services.profile.consent_terms import Answer, Purpose, decide
from services.profile.schemas import Consent, ConsentRecord, ConsentVerdict, RecordedConsent, RecordedConsents
from services.profile.tables import consent_counts, consent_states, consents, stream_tables

TOLERATED_SKEW = timedelta(minutes=5)

_KEY = [Column("tenant_id", "text"), Column("user_id", "text")]

COUNTS = BulkInsert(
    "consent_counts",
    [*_KEY, Column("recorded", "bigint")],
    """ON CONFLICT (tenant_id, user_id) DO UPDATE SET recorded = held.recorded + excluded.recorded
       RETURNING user_id, recorded""",
)

HISTORY = BulkInsert(
    "consents",
    [
        *_KEY,
        Column("consent_id", "text"),
        Column("purpose", "text"),
        Column("recipient", "text"),
        Column("granted", "boolean"),
        Column("notice_version", "text"),
        Column("recorded_at", "timestamptz"),
        Column("received_at", "timestamptz"),
        Column("expires_at", "timestamptz"),
    ],
    "",
)

STATES = BulkInsert(
    "consent_states",
    [
        *_KEY,
        Column("purpose", "text"),
        Column("recipient", "text"),
        Column("consent_id", "text"),
        Column("granted", "boolean"),
        Column("recorded_at", "timestamptz"),
        Column("expires_at", "timestamptz"),
    ],
    """ON CONFLICT (tenant_id, user_id, purpose, recipient) DO UPDATE SET
         consent_id = excluded.consent_id, granted = excluded.granted,
         recorded_at = excluded.recorded_at, expires_at = excluded.expires_at
       WHERE held.recorded_at <= excluded.recorded_at""",
)


async def record_consents(
    connection: AsyncConnection, tenant_id: str, records: Sequence[ConsentRecord], now: datetime
) -> RecordedConsents:
    """Record all answers or, raising InvalidInput, none. Where two collide, the one recorded later wins, then the one further down."""
    answers = [_consent(place, record, now) for place, record in enumerate(records)]
    counts = await _count(connection, tenant_id, answers)
    raw = await driver(connection)
    await HISTORY.write(raw, [_history_row(tenant_id, answer, now) for answer in answers])
    await STATES.write(raw, _state_rows(tenant_id, answers))
    expired = await _expired(connection, tenant_id, sorted(counts), now)
    recorded = [
        RecordedConsent(**dict(answer), consent_version=counts[answer.user_id] + expired.get(answer.user_id, 0))
        for answer in answers
    ]
    await publish(connection, stream_tables, [_fact(tenant_id, answer, now) for answer in recorded])
    return RecordedConsents(records=recorded)


def _consent(place: int, record: ConsentRecord, now: datetime) -> Consent:
    recorded_at = record.recorded_at or now
    if recorded_at > now + TOLERATED_SKEW:
        raise InvalidInput("recorded_at is in the future.", param=f"records.{place}.recorded_at")
    recorded_at = min(recorded_at, now)  # Or a clock that is ahead would outvote a withdrawal that follows at once.
    if record.expires_at is not None and record.expires_at <= recorded_at:
        raise InvalidInput("expires_at is not later than recorded_at.", param=f"records.{place}.expires_at")
    said = record.model_dump(exclude={"recorded_at"})
    return Consent(**said, consent_id=new_id("con"), recorded_at=recorded_at)


async def _count(connection: AsyncConnection, tenant_id: str, answers: Sequence[Consent]) -> dict[str, int]:
    """Count the answers of each person, which puts others who record for them behind us; the new counts."""
    added = Tally(answer.user_id for answer in answers)
    rows = [(tenant_id, user_id, added[user_id]) for user_id in sorted(added)]
    return {row["user_id"]: row["recorded"] for row in await COUNTS.write(await driver(connection), rows)}


def _history_row(tenant_id: str, answer: Consent, now: datetime) -> tuple[Any, ...]:
    return (
        tenant_id, answer.user_id, answer.consent_id, answer.purpose, answer.recipient, answer.granted,
        answer.notice_version, answer.recorded_at, now, answer.expires_at,
    )  # fmt: skip


def _state_rows(tenant_id: str, answers: Sequence[Consent]) -> list[tuple[Any, ...]]:
    last: dict[tuple[str, str, str], Consent] = {}
    for answer in sorted(answers, key=lambda answer: answer.recorded_at):
        last[answer.user_id, answer.purpose, answer.recipient] = answer
    return [
        (tenant_id, *key, last[key].consent_id, last[key].granted, last[key].recorded_at, last[key].expires_at)
        for key in sorted(last)
    ]


async def _expired(
    connection: AsyncConnection, tenant_id: str, user_ids: Sequence[str], now: datetime
) -> dict[str, int]:
    """How many answers of each person have expired. Added to the count, the version also changes when one expires."""
    query = (
        sa.select(consents.c.user_id, sa.func.count().label("expired"))
        .where(consents.c.tenant_id == tenant_id, consents.c.user_id.in_(user_ids), consents.c.expires_at <= now)
        .group_by(consents.c.user_id)
    )
    return {row.user_id: row.expired for row in await connection.execute(query)}


def _fact(tenant_id: str, answer: RecordedConsent, now: datetime) -> Envelope:
    return Envelope(
        type="consent.recorded",
        tenant_id=tenant_id,
        subject=answer.user_id,
        occurred_at=answer.recorded_at,
        received_at=now,
        data=answer.model_dump(mode="json"),
    )


async def check_consent(
    connection: AsyncConnection, tenant_id: str, user_id: str, purpose: Purpose, recipient: str, now: datetime
) -> ConsentVerdict:
    """Whether the purpose is allowed for that recipient now."""
    state = sa.select(consent_states.c.granted, consent_states.c.expires_at).filter_by(
        tenant_id=tenant_id, user_id=user_id, purpose=purpose, recipient=recipient
    )
    row = (await connection.execute(state)).first()
    granted, reason = decide(purpose, Answer(row.granted, row.expires_at) if row else None, now)
    counted = sa.select(consent_counts.c.recorded).filter_by(tenant_id=tenant_id, user_id=user_id)
    recorded = int(await connection.scalar(counted) or 0)
    expired = await _expired(connection, tenant_id, [user_id], now)
    return ConsentVerdict(granted=granted, reason=reason, consent_version=recorded + expired.get(user_id, 0))


async def consents_of(
    connection: AsyncConnection, tenant_id: str, user_id: str, *, limit: int, before: str | None
) -> list[Consent]:
    """Up to `limit` answers of a person, newest arrival first, those before the consent id `before`."""
    query = sa.select(consents).where(consents.c.tenant_id == tenant_id, consents.c.user_id == user_id)
    if before is not None:
        query = query.where(consents.c.consent_id < before)
    rows = await connection.execute(query.order_by(consents.c.consent_id.desc()).limit(limit))
    return [Consent.model_validate(dict(row)) for row in rows.mappings()]
