"""Surges of one topic: hour by hour against a baseline that is fitted anew each day and leaves past surges out. Pure."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from services.intent.monitor.baseline import Baseline, History, Integers, Mask, fit
from services.intent.monitor.detectors import Charts, DetectorConfig, Hour
from services.intent.monitor.hours import HOUR, WEEK, hour_of_week

DAY = 24


@dataclass(frozen=True, slots=True)
class Timeline:
    """Consecutive hours from `first` (UTC): documents and negatives, shape (hours,). The last hour may still be running."""

    first: datetime
    documents: Integers
    negatives: Integers
    hour_of_week: Integers

    @classmethod
    def of(cls, first: datetime, documents: Integers, negatives: Integers, zone: ZoneInfo) -> "Timeline":
        weekly = [hour_of_week(first + place * HOUR, zone) for place in range(len(documents))]
        return cls(first, documents, negatives, np.array(weekly, dtype=np.int64))

    def at(self, place: int) -> datetime:
        return self.first + timedelta(hours=place)

    def __len__(self) -> int:
        return len(self.documents)


@dataclass(frozen=True, slots=True)
class Judged:
    """One hour as it was judged; `detectors` fire in it."""

    place: int
    hour: Hour
    detectors: tuple[str, ...]
    surging: bool


@dataclass(frozen=True, slots=True)
class Surge:
    """Places in the timeline: the hour it began in, the hour it was found in, the last hour above normal; whether it is over."""

    began: int
    found: int
    last: int
    over: bool
    detectors: tuple[str, ...]


@dataclass(slots=True)
class Watch:
    """Walks along a timeline. `excluded` are hours of known surges; those found on the way are added."""

    timeline: Timeline
    config: DetectorConfig
    excluded: Mask
    begin: int
    judged: list[Judged] = field(default_factory=list)
    surges: list[Surge] = field(default_factory=list)
    _charts: Charts = field(init=False)
    _baseline: Baseline | None = None
    _open: Surge | None = None
    _calm: int = 0
    _place: int = field(init=False)

    def __post_init__(self) -> None:
        self._charts = Charts(self.config)
        self._place = self.begin

    @property
    def surge(self) -> Surge | None:
        """The surge that lasts now."""
        return self._open

    def walk(self, end: int) -> None:
        """Judge the hours up to `end`, that one not included; they must be over."""
        while self._place < end:
            baseline = self._fitted(self._place)
            if baseline is not None:
                hour = held_against(baseline, self.timeline, self._place)
                self._charts = self._charts.step(hour)
                self._conclude(hour)
            self._place += 1

    def glance(self, documents: int, negatives: int) -> list[str]:
        """The detectors that fire in the hour that runs, by what it has so far, which is held against a whole hour.

        So a look ahead of time never makes an alarm of a count that the end of the hour would not make.
        """
        return [name for each in self.running(documents, negatives) for name in each.detectors]

    def running(self, documents: int, negatives: int) -> list[Judged]:
        """The hour that runs as it looks so far; nothing before there are weeks enough."""
        baseline = self._fitted(self._place)
        if baseline is None:
            return []
        hour = measured(baseline, documents, negatives, int(self.timeline.hour_of_week[self._place]))
        return [Judged(self._place, hour, tuple(self._charts.step(hour).alarm()), self._open is not None)]

    def _fitted(self, place: int) -> Baseline | None:
        """The baseline of the day; None before there are weeks enough."""
        begins = int(self.timeline.hour_of_week[place]) % DAY == 0
        if self._baseline is None or begins:
            first = max(0, place - self.config.baseline_weeks * WEEK)
            if place - first < self.config.least_weeks * WEEK:
                return None
            past = slice(first, place)
            self._baseline = fit(
                History(
                    self.timeline.documents[past],
                    self.timeline.negatives[past],
                    self.timeline.hour_of_week[past],
                    ~self.excluded[past],
                )
            )
        return self._baseline

    def _conclude(self, hour: Hour) -> None:
        place, fired = self._place, tuple(self._charts.alarm())
        if self._open is None and fired:
            began = max(self.begin, place - self._charts.onset() + 1)
            self._open, self._calm = Surge(began, place, place, False, fired), 0
        elif self._open is not None:
            self._carry_on(fired)
        if self._open is not None and self._open.last - self._open.began < self.config.longest_surge_h:
            self.excluded[self._open.began : self._open.last + 1] = True
        self.judged.append(Judged(place, hour, fired, self._open is not None))

    def _carry_on(self, fired: tuple[str, ...]) -> None:
        surge = self._open
        if surge is None:
            return
        if self._charts.is_calm():
            self._calm += 1
            if self._calm >= self.config.calm_hours:
                self.surges.append(replace(surge, over=True))
                self._open = None
            return
        self._calm = 0
        names = tuple(dict.fromkeys((*surge.detectors, *fired)))
        self._open = replace(surge, last=self._place, detectors=names)


def held_against(baseline: Baseline, timeline: Timeline, place: int) -> Hour:
    return measured(
        baseline,
        int(timeline.documents[place]),
        int(timeline.negatives[place]),
        int(timeline.hour_of_week[place]),
    )


def measured(baseline: Baseline, documents: int, negatives: int, weekly: int) -> Hour:
    """One hour of the week `weekly` against the baseline."""
    where, n, x = np.array([weekly]), np.array([documents]), np.array([negatives])
    return Hour(
        documents,
        negatives,
        float(baseline.expected[weekly]),
        baseline.deviation(weekly),
        float(baseline.share[weekly]),
        float(baseline.count_z(x, where)[0]),
        float(baseline.share_z(x, n, where)[0]),
    )
