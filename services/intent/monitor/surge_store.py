"""Surges in the database, with the evidence that an alert shows.

Processes of two builds share it while a deployment rolls, so a build reads what the next one writes: further members of the evidence
are ignored, names are passed on, hours and examples of another form are left out of what is read, and stay in the row. The other
members are there in every build: one that goes is written until no build needs it.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy import RowMapping, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.monitor.alert_schemas import ClusterEvidence, Surge, SurgeHour
from services.intent.monitor.alerts import KnownSurge, SeenSurge
from services.intent.monitor.counts import wilson
from services.intent.monitor.hours import HOUR
from services.intent.monitor.metrics import LEFT_OUT
from services.intent.tables import monitor as tables
from services.kit.telemetry import get_logger

log = get_logger(__name__)

surges, documents = tables.surges, tables.documents
EXAMPLES = 5
MOST_SOURCES = 20
MOST_HOURS = 72

Part = TypeVar("Part", bound=BaseModel)

_KNOWN = [surges.c[name] for name in KnownSurge.__slots__]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What shows a surge, as it is stored; the totals are over its hours."""

    columns: dict[str, Any]


async def known(connection: AsyncConnection, tenant_id: str, since: datetime) -> list[KnownSurge]:
    """Surges that last, and those whose last hour is not before `since`."""
    c = surges.c
    query = select(*_KNOWN).where(c.tenant_id == tenant_id, (c.last_hour >= since) | c.ended_at.is_(None))
    return [KnownSurge(**row) for row in (await connection.execute(query)).mappings()]


async def evidence(
    connection: AsyncConnection, tenant_id: str, seen: SeenSurge, hours: Sequence[SurgeHour]
) -> Evidence:
    """What the documents of a surge have in common."""
    c = documents.c
    negative = (
        (c.tenant_id == tenant_id)
        & (c.topic == seen.topic)
        & (c.sentiment == "negative")
        & (c.published_at >= seen.began)
        & (c.published_at < seen.last_hour + HOUR)
    )
    by_source = select(func.coalesce(c.source, ""), func.count()).where(negative).group_by(c.source)
    sources = Counter({str(name): int(count) for name, count in await connection.execute(by_source)})
    authors = await connection.scalar(select(func.count(c.author_hash.distinct())).where(negative))
    size = func.count().label("size")
    largest = select(c.cluster_id, size, func.min(c.source)).where(negative).group_by(c.cluster_id)
    rows = await connection.execute(largest.order_by(size.desc(), c.cluster_id).limit(EXAMPLES))
    examples = [ClusterEvidence(document_id=name, documents=count, source=source) for name, count, source in rows]
    return Evidence(
        _totals(hours)
        | {
            "authors": int(authors or 0),
            "sources": dict(sources.most_common(MOST_SOURCES)),
            "main_source": _main(sources),
            "hours": [each.model_dump(mode="json") for each in hours[-MOST_HOURS:]],
            "examples": [each.model_dump() for each in examples],
        }
    )


def _main(sources: Counter[str]) -> str | None:
    """The source of more than half of all, if there is one."""
    [(name, most)] = sources.most_common(1) or [("", 0)]
    return (name or None) if 2 * most > sources.total() else None


def _totals(hours: Sequence[SurgeHour]) -> dict[str, Any]:
    count, negatives = sum(each.documents for each in hours), sum(each.negatives for each in hours)
    expected = sum(each.expected_negatives for each in hours)
    low, high = wilson(negatives, count)
    usual = sum(each.usual_share * each.documents for each in hours) / count if count else 0.0
    return {
        "documents": count,
        "negatives": negatives,
        "expected_negatives": round(expected, 2),
        "ratio": round(negatives / expected, 2) if round(expected, 2) else 0.0,
        "share_low": round(low, 4),
        "share_high": round(high, 4),
        "usual_share": round(usual, 4),
    }


async def add(
    connection: AsyncConnection, tenant_id: str, surge_id: str, alert_id: str, seen: SeenSurge, found: Evidence
) -> None:
    await connection.execute(
        insert(surges).values(
            tenant_id=tenant_id,
            surge_id=surge_id,
            alert_id=alert_id,
            topic=seen.topic,
            began=seen.began,
            last_hour=seen.last_hour,
            detectors=list(seen.detectors),
            evidence=found.columns,
        )
    )


async def go_on(
    connection: AsyncConnection, tenant_id: str, before: KnownSurge, seen: SeenSurge, found: Evidence
) -> None:
    """A surge as it is seen now; it never began later nor ended earlier than it was told."""
    where = (surges.c.tenant_id == tenant_id) & (surges.c.surge_id == before.surge_id)
    values = {
        "began": min(before.began, seen.began),
        "last_hour": max(before.last_hour, seen.last_hour),
        "detectors": list(seen.detectors),
        "evidence": found.columns,
    }
    await connection.execute(update(surges).where(where).values(values))


async def end(connection: AsyncConnection, tenant_id: str, names: Collection[str], now: datetime) -> None:
    where = (surges.c.tenant_id == tenant_id) & surges.c.surge_id.in_(names)
    await connection.execute(update(surges).where(where).values(ended_at=now))


async def of_alerts(connection: AsyncConnection, tenant_id: str, alert_ids: Collection[str]) -> dict[str, list[Surge]]:
    """Surges by alert, in the order in which they began."""
    found: dict[str, list[Surge]] = {}
    if alert_ids:
        c = surges.c
        query = select(surges).where(c.tenant_id == tenant_id, c.alert_id.in_(alert_ids)).order_by(c.began, c.surge_id)
        for row in (await connection.execute(query)).mappings():
            found.setdefault(row["alert_id"], []).append(_read(row))
    return found


def _read(row: RowMapping) -> Surge:
    """A surge as it was stored, also by a build that judged counts and shares apart: its detectors lose what they looked at."""
    columns = {name: row[name] for name in ("surge_id", "topic", "began", "last_hour", "ended_at")}
    names = [name.removeprefix("count_").removeprefix("share_") for name in row["detectors"]]
    evidence = row["evidence"]
    parts = {
        # Stored as 0: the build before takes no null.
        "ratio": evidence["ratio"] or None,
        "hours": _readable(
            SurgeHour, [each for each in evidence["hours"] if "count_z" not in each], row["surge_id"], "hours"
        ),
        "examples": _readable(ClusterEvidence, evidence["examples"], row["surge_id"], "examples"),
    }
    return Surge.model_validate(evidence | columns | {"detectors": list(dict.fromkeys(names))} | parts)


def _readable(form: type[Part], stored: Sequence[Any], surge_id: str, part: str) -> list[Part]:
    """Those that have the form; how many have another one is logged and counted."""
    found = []
    for each in stored:
        with suppress(ValidationError):
            found.append(form.model_validate(each))
    if left_out := len(stored) - len(found):
        log.warning("surge_read_in_part", surge_id=surge_id, part=part, left_out=left_out)
        LEFT_OUT.labels(part).inc(left_out)
    return found
