"""What becomes of surges: which alert they belong to, what is told of it and when. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from services.intent.monitor.detectors import Detector
from services.intent.monitor.hours import HOUR, hour_of

Event = Literal[
    "alert.opened", "alert.updated", "alert.repeated", "alert.acknowledged", "alert.resolved", "webhook.test"
]
Status = Literal["open", "acknowledged", "resolved"]


@dataclass(frozen=True, slots=True)
class Policy:
    """Surges within `group` of an unresolved alert's hours join it; what lasts is told again every `repeat`."""

    group: timedelta = timedelta(hours=6)
    repeat: timedelta = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class KnownSurge:
    """A surge as it is kept; `ended_at` is None while it lasts."""

    surge_id: str
    alert_id: str
    topic: str
    began: datetime
    last_hour: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class SeenSurge:
    """A surge as the detectors see it now."""

    topic: str
    began: datetime
    last_hour: datetime
    over: bool
    detectors: tuple[Detector, ...]


@dataclass(frozen=True, slots=True)
class KnownAlert:
    """An unresolved alert, from the first to the last hour of its surges. `told_at` is None while nobody was told of it."""

    alert_id: str
    status: Status
    began: datetime
    last_hour: datetime
    told_at: datetime | None


@dataclass(frozen=True, slots=True)
class SilenceRule:
    """None matches everything."""

    silence_id: str
    topic: str | None
    source: str | None


def same_surge(seen: SeenSurge, known: Sequence[KnownSurge], calm: timedelta) -> KnownSurge | None:
    """The kept surge that `seen` is: of the same topic, no calm between the two, and begun at the nearest hour."""
    near = [each for each in known if _near(seen, each, calm)]
    return min(near, key=lambda each: abs(each.began - seen.began), default=None)


def _near(seen: SeenSurge, known: KnownSurge, calm: timedelta) -> bool:
    near = seen.began <= known.last_hour + calm and known.began <= seen.last_hour + calm
    return near and known.topic == seen.topic


def what_lasts(
    seen: SeenSurge, known: Sequence[KnownSurge], calm: timedelta
) -> tuple[SeenSurge, KnownSurge | None] | None:
    """`seen` without what is over and told, and the kept surge that it is; None where all of it is over and told.

    Late documents join a surge that is over to the hours after it: what came after it is another surge, the same at every look.
    """
    over = [each for each in known if each.ended_at is not None]
    for each in sorted(over, key=lambda each: each.last_hour):
        if not _near(seen, each, calm):
            continue
        if seen.last_hour <= each.last_hour:
            return None
        seen = replace(seen, began=max(seen.began, each.last_hour + HOUR))
    return seen, same_surge(seen, [each for each in known if each.ended_at is None], calm)


def alert_for(seen: SeenSurge, unresolved: Sequence[KnownAlert], policy: Policy) -> KnownAlert | None:
    """The unresolved alert that a new surge joins: of those whose hours it is among, or near enough to, the one with the latest."""
    near = [
        each
        for each in unresolved
        if seen.began <= each.last_hour + policy.group and each.began <= seen.last_hour + policy.group
    ]
    return max(near, key=lambda each: each.last_hour, default=None)


def is_due_again(alert: KnownAlert, policy: Policy, now: datetime) -> bool:
    """Whether an alert that lasts is to be told again: never once somebody has acknowledged it, nor without an hour of its surges
    since it was told, as while the stream stands still."""
    if alert.status != "open" or alert.told_at is None:
        return alert.status == "open"
    return now - alert.told_at >= policy.repeat and alert.last_hour > hour_of(alert.told_at)


def silenced_by(surges: Sequence[tuple[str, str | None]], silences: Sequence[SilenceRule]) -> str | None:
    """The silence that covers all of an alert's surges, each given as its topic and its main source; None when one is not covered."""
    covering: list[str] = []
    for topic, source in surges:
        match = next((each for each in silences if each.topic in (None, topic) and each.source in (None, source)), None)
        if match is None:
            return None
        covering.append(match.silence_id)
    return covering[0] if covering else None
