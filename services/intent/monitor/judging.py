"""From hourly counts to the surges of each topic, with the hours that show them. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from services.intent.monitor.alert_schemas import SurgeHour
from services.intent.monitor.alerts import SeenSurge
from services.intent.monitor.baseline import Mask
from services.intent.monitor.counts import Counts
from services.intent.monitor.detectors import DetectorConfig
from services.intent.monitor.gaps import gaps as gaps_in
from services.intent.monitor.hours import HOUR, WEEK, hour_of, hours_of_week, part_passed
from services.intent.monitor.surges import Judged, Timeline, Watch

WINDOW_H = 48
"""Hours that are judged anew each time, so that late documents still count."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A surge and the hours from its begin to its last, as they were judged."""

    seen: SeenSurge
    hours: Sequence[SurgeHour]


def first_hour(running: datetime, config: DetectorConfig) -> datetime:
    """The first hour that is needed to judge the hour that runs."""
    return running - timedelta(hours=config.baseline_weeks * WEEK + WINDOW_H)


def gaps_of(counts: Mapping[str, Mapping[datetime, Counts]], *, first: datetime, now: datetime, zone: ZoneInfo) -> Mask:
    """Of the hours from `first` to the one that runs, which is none yet, those in which the stream of all topics did not."""
    received = Counter(dict.fromkeys(_hours(first, now), 0))
    for by_hour in counts.values():
        received.update({hour: found.received for hour, found in by_hour.items()})
    over = np.array([received[hour] for hour in _hours(first, now)[:-1]], dtype=np.int64)
    return np.append(gaps_in(over, hours_of_week(first, len(over), zone)), False)


def judge(
    topic: str,
    counts: Mapping[datetime, Counts],
    past: Sequence[tuple[datetime, datetime]],
    *,
    first: datetime,
    now: datetime,
    zone: ZoneInfo,
    gaps: Mask,
    config: DetectorConfig,
) -> list[Shown]:
    """Surges within the window. `first` is the first hour of the history, `past` are begin and last hour of known surges."""
    places = _hours(first, now)
    hours = len(places)
    found = [counts.get(each, Counts()) for each in places]
    timeline = Timeline.of(
        first,
        np.array([each.documents for each in found], dtype=np.int64),
        np.array([each.negatives for each in found], dtype=np.int64),
        zone,
        gaps,
    )
    watch = Watch(timeline, config, _excluded(places, past, config), max(0, hours - 1 - WINDOW_H))
    watch.walk(hours - 1)
    glance = watch.glance(found[-1].documents, found[-1].negatives, part_passed(now))
    surges = [(each.began, each.last, each.over, each.detectors) for each in watch.surges]
    judged = {each.place: each for each in watch.judged}
    if watch.surge is not None:
        surges.append((watch.surge.began, watch.surge.last, False, watch.surge.detectors))
    elif glance is not None and glance.detectors:
        surges.append((glance.place, glance.place, False, glance.detectors))
        judged[glance.place] = glance
    return [
        Shown(
            SeenSurge(topic, places[began], places[last], over, names),
            [_shown(places[place], judged[place]) for place in range(began, last + 1) if place in judged],
        )
        for began, last, over, names in surges
    ]


def _hours(first: datetime, now: datetime) -> list[datetime]:
    return [first + place * HOUR for place in range(int((hour_of(now) - first) / HOUR) + 1)]


def _excluded(places: Sequence[datetime], past: Sequence[tuple[datetime, datetime]], config: DetectorConfig) -> Mask:
    """Hours of known surges; of one that lasts for longer than it may only the first hours, so that a new normal is learned."""
    mask = np.zeros(len(places), dtype=np.bool_)
    for began, last in past:
        until = min(last, began + timedelta(hours=config.longest_surge_h))
        low, high = int((began - places[0]) / HOUR), int((until - places[0]) / HOUR)
        if high >= 0:
            mask[max(0, low) : high + 1] = True
    return mask


def _shown(hour: datetime, judged: Judged) -> SurgeHour:
    held = judged.hour
    return SurgeHour(
        hour=hour,
        documents=held.documents,
        negatives=held.negatives,
        expected_negatives=round(held.expected, 2),
        usual_share=round(held.share, 4),
        z=round(held.z, 2),
        log_ratio=round(held.log_ratio, 2),
    )
