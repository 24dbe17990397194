"""Suitability records in the database: appended, never changed; the newest of a person counts."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.insurance.suitability import Kind, RuleSet, Situation, Verdict
from services.insurance.tables import suitability_records as records
from services.kit.ids import new_id

RecordRow = Any
"""A row of `suitability_records`; columns as attributes."""


async def add_record(
    connection: AsyncConnection,
    *,
    tenant_id: str,
    user_id: str,
    questionnaire_version: str,
    rule_set: RuleSet,
    answers: Mapping[str, Any],
    person: Situation,
    verdicts: Mapping[Kind, Verdict],
    moment: datetime,
    valid_for: timedelta,
) -> RecordRow:
    """Append a record, with all that was concluded from the answers by the rules of the day."""
    row = {
        "tenant_id": tenant_id,
        "user_id": user_id,
        "record_id": new_id("sui"),
        "questionnaire_version": questionnaire_version,
        "rule_set_version": rule_set.version,
        "answers": dict(answers),
        "verdicts": {kind: {"outcome": each.outcome, "codes": each.codes} for kind, each in verdicts.items()},
        "risk_level": person.risk_level,
        "premium_share_cap": rule_set.premium_cap(person.senior),
        "recorded_at": moment,
        "expires_at": moment + valid_for,
    }
    return (await connection.execute(insert(records).values(row).returning(records))).one()


async def newest_record(connection: AsyncConnection, tenant_id: str, user_id: str) -> RecordRow | None:
    """A person's newest record; None when there is none."""
    mine = (records.c.tenant_id == tenant_id) & (records.c.user_id == user_id)
    query = select(records).where(mine).order_by(records.c.record_id.desc()).limit(1)
    return (await connection.execute(query)).first()


def verdicts_of(row: RecordRow) -> dict[Kind, Verdict]:
    """The verdicts as they were recorded."""
    return {kind: Verdict(each["outcome"], tuple(each["codes"])) for kind, each in row.verdicts.items()}
