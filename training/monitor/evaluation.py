"""What the detectors of the service find of planted surges, how soon, and how often they cry wolf."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.stats import chi2

from services.intent.monitor.counts import wilson
from services.intent.monitor.detectors import DetectorConfig
from services.intent.monitor.hours import WEEK
from services.intent.monitor.surges import Timeline, Watch
from training.monitor.simulation import (
    BASELINE_WEEKS,
    QUARTERS,
    WATCHED_DAYS,
    Integers,
    Planted,
    Simulated,
    Stream,
    simulate,
)

LEVELS = (5.0, 20.0, 80.0, 320.0, 1000.0)
"""Documents an hour on average; a quarter of them negative, a twelfth of the average before dawn."""

ROUGH = {"bursts": 0.1, "moods": 0.02, "days": 0.005}
"""Heavier noise than the default of `Stream`."""

IN_TIME = 2 * QUARTERS
AFTERMATH = 12 * QUARTERS
"""Quarters of hours after a surge in which an alarm is still about it."""

BIG = 3.0
EDGES = (0.0, 2.0, 5.0, 10.0, 15.0, 20.0, 50.0, math.inf)
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Found:
    """A planted surge and the quarters from its begin until it was found; None when it was not."""

    planted: Planted
    after: int | None

    @property
    def in_time(self) -> bool:
        return self.after is not None and self.after <= IN_TIME


@dataclass(frozen=True, slots=True)
class Month:
    """One watched month of one topic."""

    found: Sequence[Found]
    false_alarms: int


def evaluate(
    *,
    seeds: Iterable[int] = range(10),
    levels: Sequence[float] = LEVELS,
    config: DetectorConfig | None = None,
    progress: Progress = lambda name, share: None,
) -> dict[str, Any]:
    """Figures by volume and noise, as JSON types."""
    chosen, numbers = config or DetectorConfig(), list(seeds)
    streams = [Stream(level) for level in levels] + [Stream(level, **ROUGH) for level in levels[1:]]
    rows, everything = [], []
    for place, stream in enumerate(streams):
        months = []
        for seed in numbers:
            months.append(watch_month(simulate(stream, np.random.default_rng(seed)), chosen))
            progress(f"{stream.documents:g} documents an hour", (place + len(months) / len(numbers)) / len(streams))
        rows.append({"stream": asdict(stream), **_figures(months)})
        if place < len(levels):
            everything += [each for month in months for each in month.found]
    return {
        "protocol": f"{BASELINE_WEEKS} weeks of baseline, {WATCHED_DAYS} days watched, surges of 2 to 12 hours at any time of day, "
        "begun at any quarter of an hour; looked at every quarter of an hour; "
        "an alarm is false unless a surge lasts or ended within 12 hours",
        "seeds": numbers,
        "config": asdict(chosen),
        "streams": rows,
        "big_surges_by_expected_negatives": _by_expected(everything),
        "found_from": _found_from(everything),
    }


def watch_month(simulated: Simulated, config: DetectorConfig) -> Month:
    """The watched month of one stream, hour by hour as the worker does, with a look each quarter of an hour."""
    alarms = alarms_of(simulated, config)
    found: list[Found] = []
    for each in simulated.planted:
        first = next((alarm for alarm in alarms if each.begin < alarm <= each.end + QUARTERS), None)
        found.append(Found(each, None if first is None else first - each.begin))
    false = [
        alarm for alarm in alarms if not any(each.begin < alarm <= each.end + AFTERMATH for each in simulated.planted)
    ]
    return Month(found, len(false))


def alarms_of(simulated: Simulated, config: DetectorConfig) -> list[int]:
    """When surges were found, in quarters of hours from the begin of the stream."""
    documents, negatives = simulated.documents.sum(axis=1), simulated.negatives.sum(axis=1)
    so_far = simulated.documents.cumsum(axis=1), simulated.negatives.cumsum(axis=1)
    timeline = Timeline(MONDAY, documents, negatives, np.arange(len(documents)) % WEEK)
    first = BASELINE_WEEKS * WEEK
    watch = Watch(timeline, config, np.zeros(len(documents), dtype=np.bool_), first)
    alarms: list[int] = []
    for hour in range(first, len(documents)):
        calm = watch.surge is None
        early = _glances(watch, hour, *so_far) if calm else None
        watch.walk(hour + 1)
        if early is not None:
            alarms.append(early)
        elif calm and watch.surge is not None:
            alarms.append((hour + 1) * QUARTERS)
    return alarms


def _glances(watch: Watch, hour: int, documents: Integers, negatives: Integers) -> int | None:
    for quarter in range(QUARTERS - 1):
        if watch.glance(int(documents[hour, quarter]), int(negatives[hour, quarter])):
            return hour * QUARTERS + quarter + 1
    return None


def _figures(months: Sequence[Month]) -> dict[str, Any]:
    false = [month.false_alarms for month in months]
    found = [each for month in months for each in month.found]
    return {
        "months": len(months),
        "false_alarms": {
            "total": sum(false),
            "worst_month": max(false),
            "per_month": round(sum(false) / len(months), 3),
            "interval": [round(bound / len(months), 3) for bound in poisson_interval(sum(false))],
        },
        "effects": {
            f"{effect:g}x": _rates([each for each in found if each.planted.effect == effect])
            for effect in sorted({each.planted.effect for each in found})
        },
    }


def _rates(found: Sequence[Found]) -> dict[str, Any]:
    in_time = sum(each.in_time for each in found)
    delays = [each.after for each in found if each.after is not None]
    return {
        "planted": len(found),
        "within_2h": in_time,
        "share": round(in_time / len(found), 3) if found else None,
        "interval": [round(bound, 3) for bound in wilson(in_time, len(found))],
        "found_while_it_lasted": len(delays),
        "median_minutes": float(np.median(delays)) * 60 / QUARTERS if delays else None,
    }


def _by_expected(found: Sequence[Found]) -> list[dict[str, Any]]:
    """Surges of `BIG` and more by the negatives that would have come in their first two hours anyway."""
    big = [each for each in found if each.planted.effect >= BIG]
    return [
        {"from": low, "to": high if math.isfinite(high) else None, **_rates(inside)}
        for low, high in pairwise(EDGES)
        for inside in [[each for each in big if low <= each.planted.expected < high]]
    ]


def _found_from(found: Sequence[Found]) -> dict[str, Any]:
    """From how many expected negatives in two hours on every surge of `BIG` and more was found in time."""
    big = [each for each in found if each.planted.effect >= BIG]
    late = max((each.planted.expected for each in big if not each.in_time), default=0.0)
    beyond = [each for each in big if each.planted.expected > late]
    return {"expected_negatives_in_two_hours": round(late, 1), "surges": len(beyond)}


def poisson_interval(count: int, level: float = 0.95) -> tuple[float, float]:
    """Exact bounds of a Poisson mean (Garwood 1936)."""
    tail = (1 - level) / 2
    low = 0.0 if count == 0 else float(chi2.ppf(tail, 2 * count)) / 2
    return low, float(chi2.ppf(1 - tail, 2 * count + 2)) / 2
