"""Surges of one topic: hour by hour against a baseline that is fitted anew each day and leaves past surges out. Pure."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from services.intent.monitor.baseline import Baseline, History, Integers, Mask, fit
from services.intent.monitor.detectors import Charts, Counted, Detector, DetectorConfig, Hour
from services.intent.monitor.evidence import log_likelihood_ratio, residual
from services.intent.monitor.hours import DAY, WEEK, hours_of_week


@dataclass(frozen=True, slots=True)
class Timeline:
    """Consecutive hours from `first` (UTC): documents and negatives, shape (hours,). The last hour may still be running.

    What hours in `gaps` show is no fact: nothing is judged or learned from them.
    """

    first: datetime
    documents: Integers
    negatives: Integers
    hour_of_week: Integers
    gaps: Mask

    @classmethod
    def of(cls, first: datetime, documents: Integers, negatives: Integers, zone: ZoneInfo, gaps: Mask) -> "Timeline":
        return cls(first, documents, negatives, hours_of_week(first, len(documents), zone), gaps)

    def at(self, place: int) -> datetime:
        return self.first + timedelta(hours=place)

    def __len__(self) -> int:
        return len(self.documents)


@dataclass(frozen=True, slots=True)
class Judged:
    """One hour as it was judged; `detectors` fire in it."""

    place: int
    hour: Hour
    detectors: tuple[Detector, ...]


@dataclass(frozen=True, slots=True)
class Surge:
    """Places in the timeline: the hour it began in, the hour it was found in, the last hour above normal; whether it is over."""

    began: int
    found: int
    last: int
    over: bool
    detectors: tuple[Detector, ...]


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
    _fitted_for: int = -1
    _ahead: dict[int, Hour] = field(default_factory=dict)
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
            hour = self._measured()
            if hour is not None and not self.timeline.gaps[self._place]:
                self._charts = self._charts.step(hour)
                self._conclude(hour)
            self._place += 1

    def glance(self, documents: int, negatives: int, part: float) -> Judged | None:
        """The hour that runs by what it has so far, held against the `part` of it that has passed; it changes nothing.

        None where no detector fires, as before there are weeks enough.
        """
        baseline = self._fitted(self._place)
        if baseline is None:
            return None
        weekly = self.timeline.hour_of_week[self._place : self._place + 1]
        expected, share = float(baseline.normal(weekly, part).negatives[0]), float(baseline.share[weekly[0]])
        if not self._charts.could_alarm(Counted(documents, negatives, expected, share)):
            return None
        size = self.config.surge_size
        [hour] = measured(baseline, np.array([documents]), np.array([negatives]), weekly, size, part)
        fired = self._charts.step(hour).alarm()
        return Judged(self._place, hour, fired) if fired else None

    def _measured(self) -> Hour | None:
        """The hour that is next. Those of a day are measured together: an array of them costs little more than one."""
        baseline = self._fitted(self._place)
        if baseline is None:
            return None
        if self._place not in self._ahead:
            some, line = slice(self._place, self._place + DAY), self.timeline
            counts = line.documents[some], line.negatives[some], line.hour_of_week[some]
            self._ahead = dict(enumerate(measured(baseline, *counts, self.config.surge_size), self._place))
        return self._ahead[self._place]

    def _fitted(self, place: int) -> Baseline | None:
        """The baseline of the day; None before there are weeks enough."""
        begins = int(self.timeline.hour_of_week[place]) % DAY == 0
        if self._baseline is None or (begins and place != self._fitted_for):
            first = max(0, place - self.config.baseline_weeks * WEEK)
            past = slice(first, place)
            ran = ~self.timeline.gaps[past]
            if ran.sum() < self.config.least_weeks * WEEK:
                self._baseline = None
                return None
            self._fitted_for, self._ahead = place, {}
            self._baseline = fit(
                History(
                    self.timeline.documents[past],
                    self.timeline.negatives[past],
                    self.timeline.hour_of_week[past],
                    ran & ~self.excluded[past],
                )
            )
        return self._baseline

    def _conclude(self, hour: Hour) -> None:
        place, fired = self._place, self._charts.alarm()
        if self._open is None and fired:
            began = max(self.begin, place - self._charts.onset() + 1)
            self._open, self._calm = Surge(began, place, place, False, fired), 0
        elif self._open is not None:
            self._carry_on(fired)
        if self._open is not None and self._open.last - self._open.began < self.config.longest_surge_h:
            self.excluded[self._open.began : self._open.last + 1] = True
        self.judged.append(Judged(place, hour, fired))

    def _carry_on(self, fired: tuple[Detector, ...]) -> None:
        surge = self._open
        if surge is None:
            return
        if self._charts.is_calm():
            self._calm += 1
            if self._calm >= self.config.calm_hours:
                self.surges.append(replace(surge, over=True))
                self._open, self._charts = None, Charts(self.config)
            return
        self._calm = 0
        names = tuple(dict.fromkeys((*surge.detectors, *fired)))
        self._open = replace(surge, last=self._place, detectors=names)


def measured(
    baseline: Baseline, documents: Integers, negatives: Integers, weekly: Integers, size: float, part: float = 1.0
) -> list[Hour]:
    """Counts of hours, or of the same `part` of each, against the baseline and against a surge of `size`.

    Documents, negatives and hours of the week have the shape (hours,).
    """
    normal, others = baseline.normal(weekly, part), documents - negatives
    z = residual(normal, negatives, others)
    log_ratio = log_likelihood_ratio(normal, negatives, others, size)
    columns = documents, negatives, normal.negatives, baseline.share[weekly], normal.deviation, z, log_ratio
    return [Hour(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
