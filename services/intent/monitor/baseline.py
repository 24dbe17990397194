"""What is normal for an hour of the week: expected negatives, their share, and how far hours scatter around them. Pure.

Cells of the 168 hours of a week are drawn to the profile of their hour of the day on working days or at weekends: a gamma prior
worth `CELL_WEEKS` weeks for counts, a beta prior worth `SHARE_DOCUMENTS` documents for shares (empirical Bayes, Efron and
Morris 1973). Outliers are clipped once (Huber 1964); hours of past surges are left out altogether.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.intent.monitor.hours import WEEK
from services.intent.monitor.residuals import count_residuals, share_residuals

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

CELL_WEEKS = 4.0
SHARE_DOCUMENTS = 100.0
LEVEL_HALF_LIFE_H = 7 * 24.0
"""The level follows the last one to two weeks, so that a trend is not taken for a surge."""

LEVEL_PRIOR = 10.0
CLIP = 3.0
ABSURD = 6.0
LEAST_DISPERSION = 0.01
LEAST_CORRELATION = 0.002
_SMOOTH = np.array([0.25, 0.5, 0.25])
_MAD = 1.4826


@dataclass(frozen=True, slots=True)
class History:
    """Consecutive hours, all of shape (hours,): documents, negatives, the hour of the week, and which hours count."""

    documents: Integers
    negatives: Integers
    hour_of_week: Integers
    kept: Mask


@dataclass(frozen=True, slots=True)
class Baseline:
    """`expected` negatives and their `share` by hour of the week, shape (168,).

    Negatives vary as mu + dispersion * mu^2, their share as a beta-binomial of the given correlation. Centres and scales are
    robust ones of the history's residuals.
    """

    expected: Floats
    share: Floats
    dispersion: float
    correlation: float
    count_centre: float
    count_scale: float
    share_centre: float
    share_scale: float

    def deviation(self, weekly: int) -> float:
        """The standard deviation of negatives in an hour of the week."""
        expected = float(self.expected[weekly])
        return float(np.sqrt(expected + self.dispersion * expected**2))

    def count_z(self, negatives: NDArray[Any], hour_of_week: Integers) -> Floats:
        """Standardised residuals of negatives."""
        raw = count_residuals(negatives, self.expected[hour_of_week], self.dispersion)
        return (raw - self.count_centre) / self.count_scale

    def share_z(self, negatives: NDArray[Any], documents: NDArray[Any], hour_of_week: Integers) -> Floats:
        """Standardised residuals of the negative share; 0 where there are no documents."""
        raw = share_residuals(negatives, documents, self.share[hour_of_week], self.correlation)
        return np.where(documents > 0, (raw - self.share_centre) / self.share_scale, 0.0)


def fit(history: History) -> Baseline:
    """The baseline for the hours that follow `history`."""
    kept, weight = history.kept, _recency(len(history.documents)) * history.kept
    credible = _credible(history.negatives, history.hour_of_week, kept)
    expected = _cells(credible, history.hour_of_week, kept)
    level = _weekly_level(credible, expected[history.hour_of_week], kept)
    local = expected[history.hour_of_week] * level
    dispersion = _dispersion(credible, local, kept)
    ceiling = local + CLIP * np.sqrt(local + dispersion * local**2) + 1.0
    clipped = np.minimum(credible, ceiling)
    expected = _cells(clipped, history.hour_of_week, kept)
    level = _weekly_level(clipped, expected[history.hour_of_week], kept)
    local = expected[history.hour_of_week] * level
    dispersion = _dispersion(clipped, local, kept)
    now = _ratio(clipped, expected[history.hour_of_week], weight)
    share = _shares(history, clipped, weight)
    correlation = _correlation(history, clipped, share)
    draft = Baseline(expected * now, share, dispersion, correlation, 0.0, 1.0, 0.0, 1.0)
    counts = count_residuals(history.negatives, local, dispersion)[kept]
    seen = kept & (history.documents > 0)
    shares = draft.share_z(history.negatives, history.documents, history.hour_of_week)[seen]
    return Baseline(draft.expected, share, dispersion, correlation, *_scatter(counts), *_scatter(shares))


def _recency(hours: int) -> Floats:
    return np.asarray(0.5 ** (np.arange(hours)[::-1] / LEVEL_HALF_LIFE_H), dtype=np.float64)


def _credible(values: Integers, hour_of_week: Integers, kept: Mask) -> Floats:
    """Values, none of them absurdly above the median of its kind of day and hour of the day: a flood must not move what it is
    measured by."""
    place = _kind_of_hour()[hour_of_week]
    medians = np.array([np.median(own) if len(own := values[kept & (place == each)]) else 0.0 for each in range(48)])
    ceiling = medians + ABSURD * np.sqrt(medians + medians**2 / 10) + ABSURD
    return np.asarray(np.minimum(values, ceiling[place]), dtype=np.float64)


def _kind_of_hour() -> Integers:
    """For each hour of the week its kind of day and hour of the day, 0 to 47; shape (168,)."""
    cell = np.arange(WEEK)
    return np.asarray((cell // 24 >= 5) * 24 + cell % 24, dtype=np.int64)


def _profile(values: Floats, hour_of_week: Integers, kept: Mask) -> tuple[Floats, Floats]:
    """Sums and numbers of kept hours by kind of day and hour of the day, smoothed over neighbouring hours; shape (168,) each."""
    of_cell = _kind_of_hour()
    place = of_cell[hour_of_week]
    sums = np.bincount(place[kept], values[kept], 48).reshape(2, 24)
    numbers = np.bincount(place[kept], minlength=48).astype(float).reshape(2, 24)
    around = [np.stack([np.roll(table, shift, axis=1) for shift in (-1, 0, 1)]) for table in (sums, numbers)]
    smoothed, counted = (np.tensordot(_SMOOTH, table, axes=1).reshape(48) for table in around)
    return smoothed[of_cell], counted[of_cell]


def _cells(values: Floats, hour_of_week: Integers, kept: Mask) -> Floats:
    """Expected values by hour of the week, shape (168,)."""
    sums, numbers = _profile(values, hour_of_week, kept)
    overall = values[kept].mean() if kept.any() else 0.0
    prior = (sums + overall) / (numbers + 1.0)
    own = np.bincount(hour_of_week[kept], values[kept], WEEK)
    weeks = np.bincount(hour_of_week[kept], minlength=WEEK)
    return np.asarray(np.maximum((own + CELL_WEEKS * prior) / (weeks + CELL_WEEKS), 1e-3))


def _weekly_level(values: NDArray[Any], expected: Floats, kept: Mask) -> Floats:
    """Each week's level over that of all weeks, shape (hours,): a trend is no scatter."""
    week = (len(values) - 1 - np.arange(len(values))) // WEEK
    ours = np.bincount(week[kept], values[kept], week[0] + 1) + LEVEL_PRIOR
    theirs = np.bincount(week[kept], expected[kept], week[0] + 1) + LEVEL_PRIOR
    return np.asarray((ours / theirs)[week])


def _ratio(values: NDArray[Any], expected: Floats, weight: Floats) -> float:
    return float(((values * weight).sum() + LEVEL_PRIOR) / ((expected * weight).sum() + LEVEL_PRIOR))


def _dispersion(values: NDArray[Any], expected: Floats, kept: Mask) -> float:
    """By the method of moments: var = mu + dispersion mu^2."""
    beyond = ((values - expected) ** 2 - expected)[kept].sum()
    scale = (expected**2)[kept].sum()
    return max(LEAST_DISPERSION, float(beyond / scale)) if scale > 0 else LEAST_DISPERSION


def _shares(history: History, clipped: Floats, weight: Floats) -> Floats:
    """Negative share by hour of the week, at the level of the last weeks; shape (168,)."""
    others = _credible(history.documents - history.negatives, history.hour_of_week, history.kept)
    documents = others + clipped
    all_documents = max(1.0, float(documents[history.kept].sum()))
    overall = float(clipped[history.kept].sum()) / all_documents
    negatives, _ = _profile(clipped, history.hour_of_week, history.kept)
    those, _ = _profile(documents, history.hour_of_week, history.kept)
    prior = (negatives + SHARE_DOCUMENTS * overall) / (those + SHARE_DOCUMENTS)
    own = np.bincount(history.hour_of_week[history.kept], clipped[history.kept], WEEK)
    all_own = np.bincount(history.hour_of_week[history.kept], documents[history.kept], WEEK)
    share = (own + SHARE_DOCUMENTS * prior) / (all_own + SHARE_DOCUMENTS)
    now = _ratio(clipped, share[history.hour_of_week] * documents, weight)
    return np.asarray(np.clip(share * now, 0.005, 0.98))


def _correlation(history: History, clipped: Floats, share: Floats) -> float:
    """Of two documents of one hour, by the method of moments."""
    n, p = history.documents.astype(float), share[history.hour_of_week]
    beyond = ((clipped - n * p) ** 2 - n * p * (1 - p))[history.kept].sum()
    scale = (n * (n - 1) * p * (1 - p))[history.kept].sum()
    return float(np.clip(beyond / scale, LEAST_CORRELATION, 0.5)) if scale > 0 else LEAST_CORRELATION


def _scatter(residuals: Floats) -> tuple[float, float]:
    """Median, and the median absolute deviation as a standard deviation, at least 1: a calm history must not make it nervous."""
    if len(residuals) == 0:
        return 0.0, 1.0
    centre = float(np.median(residuals))
    return centre, max(1.0, _MAD * float(np.median(np.abs(residuals - centre))))
