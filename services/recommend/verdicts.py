"""Suitability verdicts as insurance recorded them: copied from its stream, read when a regulated campaign could be shown."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import AwareDatetime, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.stream import Envelope
from services.kit.telemetry import get_logger
from services.kit.wire import ExternalId, MessageModel
from services.recommend.campaigns import Verdict
from services.recommend.interactions import UNREADABLE
from services.recommend.tables import verdicts

log = get_logger(__name__)

# The newest record counts, in whatever order records come.
_KEEP = sa.text("""
INSERT INTO verdicts AS held (tenant_id, user_id, suitable_for, outcome, recorded_at, expires_at)
SELECT DISTINCT ON (tenant_id, user_id, suitable_for) * FROM unnest(
  CAST(:tenants AS text[]), CAST(:users AS text[]), CAST(:kinds AS text[]), CAST(:outcomes AS text[]),
  CAST(:recorded AS timestamptz[]), CAST(:expires AS timestamptz[]))
  AS g(tenant_id, user_id, suitable_for, outcome, recorded_at, expires_at)
ORDER BY tenant_id, user_id, suitable_for, recorded_at DESC
ON CONFLICT (tenant_id, user_id, suitable_for) DO UPDATE SET
  outcome = excluded.outcome, recorded_at = excluded.recorded_at, expires_at = excluded.expires_at
WHERE held.recorded_at <= excluded.recorded_at
""")


class _Outcome(MessageModel):
    verdict: str


class RecordedSuitability(MessageModel):
    """What insurance says of a record: a verdict for each kind of product, and until when it counts."""

    user_id: ExternalId
    verdicts: dict[str, _Outcome | str]
    expires_at: AwareDatetime


async def consume(connection: AsyncConnection, envelopes: Sequence[Envelope]) -> None:
    """Keep the verdicts of one batch."""
    rows = [row for each in envelopes if each.type == "suitability.recorded" for row in _rows(each)]
    if rows:
        names = ("tenants", "users", "kinds", "outcomes", "recorded", "expires")
        columns = [list(column) for column in zip(*rows, strict=True)]
        await connection.execute(_KEEP, dict(zip(names, columns, strict=True)))


def _rows(envelope: Envelope) -> list[tuple[Any, ...]]:
    try:
        record = RecordedSuitability.model_validate(envelope.data)
    except ValidationError:
        UNREADABLE.labels(envelope.type).inc()
        log.error("fact_unreadable", type=envelope.type, sequence=envelope.sequence)
        return []
    of = (envelope.tenant_id, record.user_id)
    times = (envelope.occurred_at, record.expires_at)
    return [
        (*of, kind, said if isinstance(said, str) else said.verdict, *times) for kind, said in record.verdicts.items()
    ]


async def verdicts_of(connection: AsyncConnection, tenant_id: str, user_id: str) -> dict[str, Verdict]:
    """A person's latest verdict by kind of product, expired ones included."""
    c = verdicts.c
    query = sa.select(c.suitable_for, c.outcome, c.expires_at).where(c.tenant_id == tenant_id, c.user_id == user_id)
    rows: list[tuple[str, str, datetime]] = [tuple(row) for row in await connection.execute(query)]
    return {kind: Verdict(outcome, expires_at) for kind, outcome, expires_at in rows}
