"""Models in the database: wishes, how versions stand in each process, how far shadows agree."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.serving.agreement import Agreement, Pair
from services.intent.serving.desired import Desired, Wish
from services.intent.serving.registry import Standing
from services.intent.tables import model_agreements as agreements
from services.intent.tables import model_standings as standings
from services.intent.tables import model_wishes as wishes

LIVE = timedelta(seconds=15)
"""A process that was not heard of for so long does not count any more."""

_SUMS = ("texts", "same_label", "same_scope", "same_sentiment", "confidence_gap", "purchase_gap")

Change = Callable[[Desired, datetime], Desired]


async def desired(connection: AsyncConnection) -> Desired:
    """What is wanted now."""
    rows = (await connection.execute(select(wishes).order_by(wishes.c.version))).mappings().all()
    return Desired(
        {
            row["version"]: Wish(row["role"], row["asked_at"], row["asked_by"], row["share"], row["previous"])
            for row in rows
        }
    )


async def change(connection: AsyncConnection, step: Change) -> Desired:
    """Replace what is wanted by what `step` makes of it, one change at a time; `step` is given the database's time.

    A version that becomes the shadow is compared from nothing.
    """
    await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("model_wishes", 0))))
    before, now = await desired(connection), await connection.scalar(select(func.clock_timestamp()))
    after = step(before, cast("datetime", now))
    await connection.execute(delete(wishes))
    if after.wishes:
        rows = [{"version": version, **asdict(wish)} for version, wish in after.wishes.items()]
        await connection.execute(insert(wishes), rows)
    if after.shadow is not None and before.role(after.shadow[0]) != "shadow":
        await connection.execute(delete(agreements).where(agreements.c.version == after.shadow[0]))
    return after


async def agreements_of(connection: AsyncConnection, versions: Sequence[str]) -> Mapping[Pair, Agreement]:
    """What versions were compared with as shadows, by the version that served then and the texts' language."""
    rows = await connection.execute(select(agreements).where(agreements.c.version.in_(versions)))
    return {
        (row["version"], row["against"], row["language"]): Agreement(*(row[name] for name in _SUMS))
        for row in rows.mappings()
    }


async def add_agreements(connection: AsyncConnection, sums: Mapping[Pair, Agreement]) -> None:
    """Add to what is there."""
    for (version, against, language), agreement in sorted(sums.items()):
        row = upsert(agreements).values(version=version, against=against, language=language, **asdict(agreement))
        added = {name: agreements.c[name] + row.excluded[name] for name in _SUMS}
        key = ["version", "against", "language"]
        await connection.execute(row.on_conflict_do_update(index_elements=key, set_=added))


async def report(connection: AsyncConnection, process: str, found: Mapping[str, Standing]) -> None:
    """How versions stand in one process; what is told of processes that ended is forgotten."""
    stale = standings.c.seen_at < func.now() - 4 * LIVE
    await connection.execute(delete(standings).where((standings.c.process == process) | stale))
    rows = [
        {"process": process, "version": version, "state": standing.state, "reason": standing.reason}
        for version, standing in found.items()
        if standing.state != "available"
    ]
    if rows:
        await connection.execute(insert(standings), rows)


async def withdraw(connection: AsyncConnection, process: str) -> None:
    """The process ends."""
    await connection.execute(delete(standings).where(standings.c.process == process))


async def processes(connection: AsyncConnection, versions: Sequence[str]) -> Mapping[str, Counter[str]]:
    """How many live processes have each version in each state."""
    query = select(standings.c.version, standings.c.state, func.count().label("processes"))
    query = query.where(standings.c.version.in_(versions) & (standings.c.seen_at > func.now() - LIVE))
    counted: dict[str, Counter[str]] = {version: Counter() for version in versions}
    for row in await connection.execute(query.group_by(standings.c.version, standings.c.state)):
        counted[row.version][row.state] = row.processes
    return counted
