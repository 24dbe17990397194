"""What the detectors of the service find of planted surges, how soon, and how often they cry wolf; beside it a reference."""

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
from services.intent.monitor.hours import QUARTERS, WEEK
from services.intent.monitor.surges import Timeline, Watch
from training.monitor.limit import BUDGET, IN_TIME, found_in_time, thresholds
from training.monitor.simulation import BASELINE_WEEKS, WATCHED_DAYS, Planted, Simulated, Stream, simulate
from training.monitor.watching import alarms_of

LEVELS = (5.0, 20.0, 80.0, 320.0, 1000.0)
"""Documents an hour on average; a quarter of them negative, a twelfth of the average before dawn."""

ROUGH = {"bursts": 0.1, "moods": 0.02, "days": 0.005}
"""Heavier noise than the default of `Stream`."""

MOODY = {"bursts": 0.1, "moods": 0.15, "days": 0.005}
"""Negatives whose share goes up and down by itself."""

EFFECTS = (2.0, 3.0, 5.0)
AFTERMATH = 12 * QUARTERS
"""Quarters of hours after a surge in which an alarm is still about it."""

BIG = 3.0
EDGES = (0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0, 80.0, 120.0, 200.0, math.inf)
"""Documents an hour that would have come in a surge's first two hours anyway."""

SURE = 0.99
CURVE_LEVELS = (20.0, 80.0, 160.0)
CURVE_SEEDS = range(20_000, 20_200)
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Found:
    """A planted surge and the quarters from its begin until it was found; None when it was not. `limit`: whether the reference did."""

    planted: Planted
    after: int | None
    limit: bool = False

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
    curve_seeds: Sequence[int] = CURVE_SEEDS,
    config: DetectorConfig | None = None,
    progress: Progress = lambda name, share: None,
) -> dict[str, Any]:
    """Figures by volume and noise, as JSON types."""
    chosen, numbers = config or DetectorConfig(), list(seeds)
    streams = [Stream(level) for level in levels]
    streams += [Stream(level, **noise) for noise in (ROUGH, MOODY) for level in levels[1:]]
    rows, everything = [], []
    for place, stream in enumerate(streams):
        limits = thresholds(stream, EFFECTS)
        months = []
        for seed in numbers:
            simulated = simulate(stream, np.random.default_rng(seed), effects=EFFECTS)
            months.append(watch_month(simulated, chosen, found_in_time(simulated, stream, limits)))
            progress(f"{stream.documents:g} documents an hour", (place + len(months) / len(numbers)) / len(streams))
        rows.append({"stream": asdict(stream), **_figures(months)})
        if place < len(levels):
            everything += [each for month in months for each in month.found]
    by_documents = _by_documents(everything, limit_curve(curve_seeds))
    return {
        "protocol": f"{BASELINE_WEEKS} weeks of baseline, {WATCHED_DAYS} days watched, surges of 2 to 12 hours at any time of day, "
        "begun at any quarter of an hour; looked at every quarter of an hour; "
        "an alarm is false unless a surge lasts or ended within 12 hours",
        "limit": "a detector that knows the true rate and scatter of every hour and the size of the surge, "
        f"with {BUDGET:g} false alarm a topic and month",
        "seeds": numbers,
        "config": asdict(chosen),
        "streams": rows,
        "big_surges_by_documents": by_documents,
        "limit_finds_from": _sure_from(by_documents),
        "found_from": _found_from(everything),
    }


def watch_month(simulated: Simulated, config: DetectorConfig, limit: Sequence[tuple[Planted, bool]] = ()) -> Month:
    """The watched month of one stream, hour by hour as the worker does, with a look each quarter of an hour."""
    documents, negatives = simulated.documents.sum(axis=1), simulated.negatives.sum(axis=1)
    none = np.zeros(len(documents), dtype=np.bool_)
    timeline = Timeline(MONDAY, documents, negatives, np.arange(len(documents)) % WEEK, none)
    watch = Watch(timeline, config, none.copy(), BASELINE_WEEKS * WEEK)
    alarms = [each.quarter for each in alarms_of(watch, simulated.documents, simulated.negatives)]
    can = dict(limit)
    found: list[Found] = []
    for each in simulated.planted:
        first = next((alarm for alarm in alarms if each.begin < alarm <= each.end + QUARTERS), None)
        found.append(Found(each, None if first is None else first - each.begin, can.get(each, False)))
    false = [
        alarm for alarm in alarms if not any(each.begin < alarm <= each.end + AFTERMATH for each in simulated.planted)
    ]
    return Month(found, len(false))


def limit_curve(seeds: Sequence[int]) -> list[tuple[Planted, bool]]:
    """Surges of `BIG` at many volumes, and whether the limit finds them in time."""
    found: list[tuple[Planted, bool]] = []
    for level in CURVE_LEVELS:
        stream = Stream(level)
        limits = thresholds(stream, (BIG,))
        for seed in seeds:
            found += found_in_time(simulate(stream, np.random.default_rng(seed), effects=(BIG,)), stream, limits)
    return found


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
    delays = [each.after for each in found if each.after is not None]
    return {
        **_share([each.in_time for each in found]),
        "found_while_it_lasted": len(delays),
        "median_minutes": float(np.median(delays)) * 60 / QUARTERS if delays else None,
        "limit": _share([each.limit for each in found]),
    }


def _share(in_time: Sequence[bool]) -> dict[str, Any]:
    found, planted = sum(in_time), len(in_time)
    return {
        "planted": planted,
        "within_2h": found,
        "share": round(found / planted, 3) if planted else None,
        "interval": [round(bound, 3) for bound in wilson(found, planted)],
    }


def _by_documents(found: Sequence[Found], curve: Sequence[tuple[Planted, bool]]) -> list[dict[str, Any]]:
    """Surges of `BIG` and more by the documents an hour that would have come anyway; the limit is of those of just `BIG`."""
    big = [each for each in found if each.planted.effect >= BIG]
    return [
        {
            "from": low,
            "to": high if math.isfinite(high) else None,
            **_share([each.in_time for each in big if low <= each.planted.documents < high]),
            "limit": _share([can for planted, can in curve if low <= planted.documents < high]),
        }
        for low, high in pairwise(EDGES)
    ]


def _sure_from(rows: Sequence[dict[str, Any]]) -> float | None:
    """The documents an hour from which on the limit finds `SURE` of the surges of `BIG` in every row that has any."""
    since = None
    for row in reversed(rows):
        share = row["limit"]["share"]
        if share is not None and share < SURE:
            break
        since = row["from"] if share is not None else since
    return since


def _found_from(found: Sequence[Found]) -> dict[str, Any]:
    """From how many expected documents an hour on every surge of `BIG` and more was found in time."""
    big = [each for each in found if each.planted.effect >= BIG]
    late = max((each.planted.documents for each in big if not each.in_time), default=0.0)
    beyond = [each for each in big if each.planted.documents > late]
    return {"documents_an_hour": round(late, 1), "surges": len(beyond)}


def poisson_interval(count: int, level: float = 0.95) -> tuple[float, float]:
    """Exact bounds of a Poisson mean (Garwood 1936)."""
    tail = (1 - level) / 2
    low = 0.0 if count == 0 else float(chi2.ppf(tail, 2 * count)) / 2
    return low, float(chi2.ppf(1 - tail, 2 * count + 2)) / 2
