"""Detection: hourly counts of a tenant become surges, surges become alerts, alerts are told. One worker a tenant at a time."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text, union
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.labels import OPINION_TOPICS
from services.intent.monitor import alert_store, surge_store
from services.intent.monitor import series as series_store
from services.intent.monitor.alerts import (
    Event,
    KnownAlert,
    KnownSurge,
    Policy,
    SeenSurge,
    alert_for,
    is_due_again,
    what_lasts,
)
from services.intent.monitor.detectors import DetectorConfig
from services.intent.monitor.hours import HOUR, hour_of
from services.intent.monitor.judging import WINDOW_H, Shown, first_hour, gaps_of, judge
from services.intent.monitor.metrics import ALERTS
from services.intent.monitor.notifying import tell
from services.intent.monitor.surge_store import Evidence
from services.intent.tables import monitor as tables
from services.kit.database import Database
from services.kit.errors import Unavailable
from services.kit.ids import new_id

_LOCK = 0x73757267
_NO_LONG_LOCKS = text("SET LOCAL lock_timeout = '3s'")
CALM = "calm"


@dataclass(frozen=True, slots=True)
class Detection:
    """How surges are looked for and told; `zone_of` gives a tenant's hours."""

    zone_of: Callable[[str], ZoneInfo]
    config: DetectorConfig = field(default_factory=DetectorConfig)
    policy: Policy = field(default_factory=Policy)

    @property
    def calm(self) -> timedelta:
        return timedelta(hours=self.config.calm_hours)


async def detect(db: Database, detection: Detection, now: datetime) -> None:
    """Look at every tenant of which documents came lately, or whose surges or alerts are not over.

    What fails for one of them, as a lock that somebody keeps, is raised when the others have been looked at.
    """
    async with db.connect() as connection:
        tenants = await _tenants(connection, now)
    failures: list[Exception] = []
    for tenant_id in tenants:
        try:
            await _detect_alone(db, tenant_id, detection, now)
        except Unavailable:
            raise
        except Exception as failure:  # noqa: BLE001  raised below
            failures.append(failure)
    async with db.connect() as connection:
        await count_alerts(connection)
    if failures:
        raise failures[0]


async def _detect_alone(db: Database, tenant_id: str, detection: Detection, now: datetime) -> None:
    """One tenant, unless another worker is at it."""
    async with db.begin() as connection:
        await connection.execute(_NO_LONG_LOCKS)
        lock = func.pg_try_advisory_xact_lock(_LOCK, func.hashtext(tenant_id))
        if await connection.scalar(select(lock)):
            await detect_tenant(connection, tenant_id, detection, now)


async def detect_tenant(connection: AsyncConnection, tenant_id: str, detection: Detection, now: datetime) -> None:
    """Surges of one tenant as they are now, in one transaction with what is told of them."""
    known = await surge_store.known(connection, tenant_id, first_hour(hour_of(now), detection.config))
    shown = await _judged(connection, tenant_id, known, detection, now)
    unresolved = await alert_store.unresolved(connection, tenant_id)
    seen = Round(connection, tenant_id, detection, now, known, unresolved)
    for each in shown:
        await seen.take(each)
    await seen.end_quiet()
    await seen.tell_all()


@dataclass(slots=True)
class Round:
    """One look at a tenant: what is known, and what of it changed."""

    connection: AsyncConnection
    tenant_id: str
    detection: Detection
    now: datetime
    known: list[KnownSurge]
    unresolved: list[KnownAlert]
    news: dict[str, Event] = field(default_factory=dict)
    matched: set[str] = field(default_factory=set)
    over: set[str] = field(default_factory=set)
    latest: dict[str, datetime] = field(default_factory=dict)

    async def take(self, shown: Shown) -> None:
        """A surge that is seen: one that goes on, or a new one."""
        lasts = what_lasts(shown.seen, self.known, self.detection.calm)
        if lasts is None:
            return
        seen, before = lasts
        hours = [each for each in shown.hours if each.hour >= seen.began]
        found = await surge_store.evidence(self.connection, self.tenant_id, seen, hours)
        if before is None:
            before = await self._begin(seen, found)
        else:
            await surge_store.go_on(self.connection, self.tenant_id, before, seen, found)
        self.matched.add(before.surge_id)
        self.latest[before.alert_id] = max(seen.last_hour, self.latest.get(before.alert_id, seen.last_hour))
        # Judged anew from a later hour on, a surge may come in pieces: the last one tells whether it is over.
        if seen.over:
            self.over.add(before.surge_id)
        else:
            self.over.discard(before.surge_id)

    async def _begin(self, seen: SeenSurge, found: Evidence) -> KnownSurge:
        joined = alert_for(seen, [self._as_seen(each) for each in self.unresolved], self.detection.policy)
        surge_id, alert_id = new_id("srg"), joined.alert_id if joined else new_id("alr")
        if joined is None:
            await alert_store.add(self.connection, self.tenant_id, alert_id, seen.topic, self.now)
            self.unresolved.append(KnownAlert(alert_id, "open", seen.began, seen.last_hour, None))
            self.news[alert_id] = "alert.opened"
        else:
            await alert_store.join(self.connection, self.tenant_id, alert_id, seen.topic, self.now)
            self.news.setdefault(alert_id, "alert.updated")
        await surge_store.add(self.connection, self.tenant_id, surge_id, alert_id, seen, found)
        begun = KnownSurge(surge_id, alert_id, seen.topic, seen.began, seen.last_hour, None)
        self.known.append(begun)
        return begun

    async def end_quiet(self) -> None:
        """Surges that are over, and those that are seen no more and were last seen long enough ago."""
        for each in self.known:
            quiet = hour_of(self.now) - each.last_hour > self.detection.calm
            if each.ended_at is None and each.surge_id not in self.matched and quiet:
                self.over.add(each.surge_id)
        await surge_store.end(self.connection, self.tenant_id, self.over, self.now)

    async def tell_all(self) -> None:
        """News first; then alerts whose surges are all over resolve, and those that last are told again when it is time."""
        lasting = {each.alert_id for each in self.known if each.ended_at is None and each.surge_id not in self.over}
        for alert in self.unresolved:
            event = self.news.get(alert.alert_id)
            if event is not None:
                await self._tell(alert.alert_id, "alert.opened" if alert.told_at is None else event)
            if alert.alert_id not in lasting:
                calm = {"status": "resolved", "resolved_at": self.now, "resolved_by": CALM, "updated_at": self.now}
                await alert_store.change(self.connection, self.tenant_id, alert.alert_id, calm)
                if alert.told_at is not None or event is not None:
                    await self._tell(alert.alert_id, "alert.resolved")
            elif event is None and is_due_again(self._as_seen(alert), self.detection.policy, self.now):
                await self._tell(alert.alert_id, "alert.opened" if alert.told_at is None else "alert.repeated")

    def _as_seen(self, alert: KnownAlert) -> KnownAlert:
        """With the last hour of its surges as this look has it."""
        return replace(alert, last_hour=max(alert.last_hour, self.latest.get(alert.alert_id, alert.last_hour)))

    async def _tell(self, alert_id: str, event: Event) -> None:
        await tell(self.connection, self.tenant_id, alert_id, event, self.now)


async def _judged(
    connection: AsyncConnection, tenant_id: str, known: Sequence[KnownSurge], detection: Detection, now: datetime
) -> list[Shown]:
    """Surges of the last two days, those that began first first. The history begins with the tenant's first document."""
    running = hour_of(now)
    begin = first_hour(running, detection.config)
    counts = await series_store.by_hour(connection, tenant_id, since=begin, until=running + HOUR)
    earliest = min((hour for by_hour in counts.values() for hour in by_hour), default=None)
    if earliest is None:
        return []

    zone = detection.zone_of(tenant_id)

    def judged() -> list[Shown]:
        gaps = gaps_of(counts, first=earliest, now=now, zone=zone)
        return [
            each
            for topic in OPINION_TOPICS
            for each in judge(
                topic,
                counts.get(topic, {}),
                [(one.began, one.last_hour) for one in known if one.topic == topic],
                first=earliest,
                now=now,
                zone=zone,
                gaps=gaps,
                config=detection.config,
            )
        ]

    return sorted(await asyncio.to_thread(judged), key=lambda each: (each.seen.began, each.seen.topic))


async def _tenants(connection: AsyncConnection, now: datetime) -> list[str]:
    hours, surges, alerts = tables.hours.c, tables.surges.c, tables.alerts.c
    lately = select(hours.tenant_id).where(hours.hour >= now - timedelta(hours=WINDOW_H))
    lasting = select(surges.tenant_id).where(surges.ended_at.is_(None))
    unresolved = select(alerts.tenant_id).where(alerts.status != "resolved")
    return sorted((await connection.scalars(union(lately, lasting, unresolved))).all())


async def count_alerts(connection: AsyncConnection) -> None:
    """Unresolved alerts by status, as a metric."""
    c = tables.alerts.c
    rows = await connection.execute(
        select(c.status, func.count().label("number")).where(c.status != "resolved").group_by(c.status)
    )
    found: dict[str, int] = {row.status: row.number for row in rows}
    for status in ("open", "acknowledged"):
        ALERTS.labels(status).set(found.get(status, 0))
