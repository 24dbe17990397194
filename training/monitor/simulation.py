"""Seeded streams of documents with planted surges: what a detector should find, and when. Pure.

Documents of an hour are negative or not, each a Poisson number. Both intensities follow a profile of the day and the week and a
trend, and share a gamma factor (attention comes in bursts); the negative ones have a further factor of their own, and every
day one that is common to its hours. A surge multiplies the negative intensity from one quarter of an hour to another.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.intent.monitor.hours import DAY, QUARTERS, WEEK

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

BASELINE_WEEKS = 8
WATCHED_DAYS = 30
APART_H = 30
"""From the end of one surge to the begin of the next."""

# Share of a day's documents by hour of the day, from midnight: a deep night, a busy late morning, a long evening.
_HOURS = np.array(
    [
        1.6,
        0.9,
        0.5,
        0.35,
        0.3,
        0.4,
        0.9,
        2.2,
        4.3,
        6.0,
        6.6,
        6.2,
        5.6,
        5.4,
        6.0,
        6.1,
        5.8,
        5.6,
        5.7,
        6.2,
        6.8,
        6.7,
        5.4,
        3.2,
    ]
)
_DAYS = np.array([1.08, 1.05, 1.05, 1.05, 1.07, 0.87, 0.83])


@dataclass(frozen=True, slots=True)
class Stream:
    """`documents` an hour and their negative `share` on average; squared coefficients of variation of the gamma factors.

    `trend` is the growth of the intensity in 30 days, as a factor.
    """

    documents: float
    share: float = 0.25
    bursts: float = 0.05
    moods: float = 0.01
    days: float = 0.002
    trend: float = 1.1


@dataclass(frozen=True, slots=True)
class Planted:
    """A surge in quarters of hours from the begin of the stream: the negative intensity times `effect`."""

    begin: int
    end: int
    effect: float
    documents: float
    """Documents an hour that would have come in its first two hours without it, on average."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """Documents and negatives of shape (hours, 4), a column a quarter of an hour, and what was planted.

    `rate` is the true expected number of documents by hour, surges left out; shape (hours,).
    """

    documents: Integers
    negatives: Integers
    rate: Floats
    planted: Sequence[Planted]


def simulate(
    stream: Stream, rng: np.random.Generator, *, surges: int = 6, effects: Sequence[float] = (2.0, 3.0, 5.0)
) -> Simulated:
    """Eight weeks of baseline, then 30 watched days with `surges` surges at any time of day; hour 0 is a Monday's first."""
    hours = BASELINE_WEEKS * WEEK + WATCHED_DAYS * DAY
    rate = _rate(stream, hours)
    shared = _gamma(rng, stream.bursts, hours)
    own = _gamma(rng, stream.moods, hours) * np.repeat(_gamma(rng, stream.days, hours // DAY), DAY)
    planted = _plant(rng, rate, surges, effects)
    factor = np.ones((hours * QUARTERS,))
    for each in planted:
        factor[each.begin : each.end] = each.effect
    quarter = (rate * shared)[:, np.newaxis] / QUARTERS
    negatives = rng.poisson(quarter * stream.share * own[:, np.newaxis] * factor.reshape(hours, QUARTERS))
    others = rng.poisson(np.broadcast_to(quarter * (1 - stream.share), negatives.shape))
    return Simulated(negatives + others, negatives, rate, planted)


def _rate(stream: Stream, hours: int) -> Floats:
    place = np.arange(hours)
    profile = _HOURS[place % DAY] / _HOURS.mean() * _DAYS[place // DAY % 7] / _DAYS.mean()
    return np.asarray(stream.documents * profile * stream.trend ** ((place - hours / 2) / (30 * DAY)))


def _gamma(rng: np.random.Generator, variation: float, size: int) -> Floats:
    """Factors of mean 1 and the given squared coefficient of variation."""
    return np.ones(size) if variation == 0 else rng.gamma(1 / variation, variation, size)


def _plant(rng: np.random.Generator, rate: Floats, surges: int, effects: Sequence[float]) -> list[Planted]:
    """Surges of 2 to 12 hours, begun at any quarter of an hour, `APART_H` or more from each other; effects in turn."""
    planted: list[Planted] = []
    first = BASELINE_WEEKS * WEEK
    room = WATCHED_DAYS * DAY // max(1, surges)
    for number in range(surges):
        hours = int(rng.integers(2, 13))
        latest = room - APART_H - hours
        begin = (first + number * room) * QUARTERS + int(rng.integers(0, latest * QUARTERS))
        two_hours = [rate[(begin + quarter) // QUARTERS] for quarter in range(2 * QUARTERS)]
        effect = float(effects[number % len(effects)])
        planted.append(Planted(begin, begin + hours * QUARTERS, effect, float(np.mean(two_hours))))
    return planted
