"""Dated documents through the pipeline of the service as if they came now: what it would have told, and when."""

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from services.intent.labels import OPINION_TOPICS
from services.intent.monitor.detectors import DetectorConfig
from services.intent.monitor.gaps import gaps
from services.intent.monitor.hours import HOUR, QUARTERS, hour_of, hours_of_week
from services.intent.monitor.minhash import PERMUTATIONS, Signature, bands, nearest, shingles, signature
from services.intent.monitor.surges import Judged, Surge, Timeline, Watch
from training.monitor.watching import alarms_of

QUARTER = HOUR / QUARTERS
NEAR_FOR = timedelta(hours=72)
GROUP = timedelta(hours=6)
"""Surges that begin so soon after the last hour of others are one alert, as in the service."""

COLLAPSING = 0.8
"""The part of a replay that looks for near-duplicates, roughly."""

Progress = Callable[[str, float], None]


def unseen(stage: str, share: float) -> None:
    """Nobody watches."""


DEFAULT = DetectorConfig()
"""What the service detects with."""


@dataclass(frozen=True, slots=True)
class Dated:
    """A document that was read."""

    document_id: str
    text: str
    published_at: datetime
    topic: str
    negative: bool


@dataclass(frozen=True, slots=True)
class Told:
    """A surge, and the quarter of an hour, counted from the begin of the timeline, at whose end it was found."""

    surge: Surge
    quarter: int


@dataclass(frozen=True, slots=True)
class TopicReplay:
    """A topic's hours, and what was made of them; `judged` begins when there are weeks enough."""

    topic: str
    timeline: Timeline
    judged: Sequence[Judged]
    surges: Sequence[Told]


@dataclass(frozen=True, slots=True)
class Replay:
    """All topics, and how many documents counted; `examples` are the first negative ones of an hour."""

    documents: int
    near_duplicates: int
    topics: Sequence[TopicReplay]
    examples: dict[tuple[str, datetime], list[Dated]]

    @property
    def judged_from(self) -> datetime | None:
        """The first hour that was judged; None where there were no weeks enough before any."""
        return min((each.timeline.at(each.judged[0].place) for each in self.topics if each.judged), default=None)


def replay(
    documents: Sequence[Dated], zone: ZoneInfo, config: DetectorConfig = DEFAULT, progress: Progress = unseen
) -> Replay:
    """`documents` may come in any order; at least one."""
    ordered = sorted(documents, key=lambda each: (each.published_at, each.document_id))
    counted = first_ones(ordered, progress)
    first, last = hour_of(ordered[0].published_at), hour_of(ordered[-1].published_at)
    hours = int((last - first) / HOUR) + 1
    silent = gaps(_by_hour(ordered, first, hours), hours_of_week(first, hours, zone))
    topics = []
    for number, topic in enumerate(OPINION_TOPICS, 1):
        topics.append(_watched(topic, counted, first, zone, silent, config))
        progress("surges", COLLAPSING + (1 - COLLAPSING) * number / len(OPINION_TOPICS))
    return Replay(len(ordered), len(ordered) - len(counted), topics, _examples(counted))


def first_ones(ordered: Sequence[Dated], progress: Progress = unseen) -> list[Dated]:
    """The documents that count: of near-duplicates within three days the first."""
    by_band: dict[int, deque[int]] = {}
    signed = np.zeros((len(ordered), PERMUTATIONS), dtype=np.uint32)
    kept: list[Dated] = []
    for place, each in enumerate(ordered):
        if place % 1_000 == 0:
            progress("near-duplicates", COLLAPSING * place / len(ordered))
        own = signature(each.text)
        signs = [] if own is None else [by_band.setdefault(band, deque()) for band in bands(own)]
        if own is not None and _came_before(ordered, place, own, signs, signed):
            continue
        kept.append(each)
        if own is not None:
            signed[place] = own
        for held in signs:
            held.append(place)
    return kept


def _came_before(
    ordered: Sequence[Dated],
    place: int,
    own: Signature,
    signs: Sequence[deque[int]],
    signed: NDArray[np.uint32],
) -> bool:
    """Whether a near-duplicate is among those that share a band; from their bands those of too long ago are dropped for good."""
    each = ordered[place]
    for held in signs:
        while held and each.published_at - ordered[held[0]].published_at > NEAR_FOR:
            held.popleft()
    met = sorted(set().union(*signs))
    words = shingles(each.text) if met else None
    if words is None:
        return False
    return nearest(words, own, signed[met], lambda at: shingles(ordered[met[at]].text)) is not None


def _by_hour(documents: Sequence[Dated], first: datetime, hours: int) -> NDArray[np.int64]:
    """Documents by hour, shape (hours,)."""
    return np.bincount([int((each.published_at - first) / HOUR) for each in documents], minlength=hours)


def _watched(
    topic: str,
    counted: Sequence[Dated],
    first: datetime,
    zone: ZoneInfo,
    silent: NDArray[np.bool_],
    config: DetectorConfig,
) -> TopicReplay:
    hours = len(silent)
    documents, negatives = (np.zeros((hours, QUARTERS), dtype=np.int64) for _ in range(2))
    for each in counted:
        if each.topic == topic:
            place = divmod(int((each.published_at - first) / QUARTER), QUARTERS)
            documents[place] += 1
            negatives[place] += each.negative
    timeline = Timeline.of(first, documents.sum(axis=1), negatives.sum(axis=1), zone, silent)
    watch = Watch(timeline, config, np.zeros(hours, dtype=np.bool_), 0)
    alarms = alarms_of(watch, documents, negatives)
    lasting = iter([*watch.surges, *([] if watch.surge is None else [watch.surge])])
    surges = [
        next(lasting) if each.stood else Surge(each.hour, each.hour, each.hour, True, each.detectors) for each in alarms
    ]
    told = [Told(surge, alarm.quarter) for surge, alarm in zip(surges, alarms, strict=True)]
    return TopicReplay(topic, timeline, watch.judged, told)


def _examples(counted: Sequence[Dated]) -> dict[tuple[str, datetime], list[Dated]]:
    found: dict[tuple[str, datetime], list[Dated]] = {}
    for each in counted:
        if each.negative:
            few = found.setdefault((each.topic, hour_of(each.published_at)), [])
            if len(few) < 3:
                few.append(each)
    return found


def alerts_of(found: Replay) -> list[dict[str, Any]]:
    """Alerts in the order in which they would have opened, as JSON types."""
    seen = sorted(
        ((told, topic) for topic in found.topics for told in topic.surges),
        key=lambda each: (each[0].quarter, each[1].topic),
    )
    alerts: list[dict[str, Any]] = []
    for told, topic in seen:
        shown, surge = _shown(told, topic, found), told.surge
        began, hour = topic.timeline.at(surge.began), topic.timeline.at((told.quarter - 1) // QUARTERS)
        near = (each for each in reversed(alerts) if abs(began - min(each["last"], hour)) <= GROUP)
        joined = next((each for each in near if told.quarter <= each["resolved"]), None)
        if joined is None:
            joined = {"last": began, "resolved": 0, "opened_at": shown["found_at"], "topics": [], "surges": []}
            alerts.append(joined)
        joined["last"] = max(joined["last"], topic.timeline.at(surge.last))
        joined["resolved"] = max(joined["resolved"], _over(surge))
        joined["topics"] = list(dict.fromkeys([*joined["topics"], topic.topic]))
        joined["surges"].append(shown)
    return [{name: value for name, value in each.items() if name not in ("last", "resolved")} for each in alerts]


def _over(surge: Surge) -> float:
    """The quarter at whose end a surge was over, gaps aside: so long it keeps its alert from resolving."""
    return (surge.last + 1 + DEFAULT.calm_hours) * QUARTERS if surge.over else math.inf


def _shown(told: Told, topic: TopicReplay, found: Replay) -> dict[str, Any]:
    surge = told.surge
    hours = [each for each in topic.judged if surge.began <= each.place <= surge.last]
    negatives = sum(each.hour.negatives for each in hours)
    expected = sum(each.hour.expected for each in hours)
    examples = [
        one.document_id
        for each in hours
        for one in found.examples.get((topic.topic, topic.timeline.at(each.place)), [])
    ]
    return {
        "topic": topic.topic,
        "began": topic.timeline.at(surge.began).isoformat(),
        "found_at": (topic.timeline.first + told.quarter * QUARTER).isoformat(),
        "last_hour": topic.timeline.at(surge.last).isoformat(),
        "over": surge.over,
        "detectors": list(surge.detectors),
        "documents": sum(each.hour.documents for each in hours),
        "negatives": negatives,
        "expected_negatives": round(expected, 1),
        "ratio": round(negatives / expected, 2) if expected else None,
        "examples": examples[:5],
    }


def totals(found: Replay) -> dict[str, dict[str, int]]:
    """Counted documents and negatives by topic."""
    return {
        each.topic: {
            "documents": int(each.timeline.documents.sum()),
            "negatives": int(each.timeline.negatives.sum()),
        }
        for each in found.topics
    }
