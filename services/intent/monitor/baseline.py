"""What is normal for an hour of the week: expected documents, their negative share, and how far hours scatter. Pure.

The 168 hours of a week are drawn to the profile of their kind of day (working day or weekend), and that to the profile of all days,
as far as they do not differ by more than chance (empirical Bayes, Efron and Morris 1973; priors gamma for counts, beta for shares).
Outliers are clipped once (Huber 1964); hours of past surges are left out altogether. The level is an exponentially weighted mean.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.intent.monitor.evidence import Normal
from services.intent.monitor.hours import DAY, WEEK

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

LEVEL_HALF_LIFE_H = 7 * 24.0
"""The level follows the last one to two weeks, so that a trend is not taken for a surge."""

LEVEL_PRIOR = 20.0
"""Documents that speak for the level of all weeks."""

LEAST_DIFFERENCE = 0.05**2
"""Squared relative difference between hours that are drawn together: so much is believed of them even when chance explains it."""

LEAST_EXPECTED = 1e-3
CLIP = 4.0
ABSURD = 6.0
GUESSED_BURSTS = 0.1
LEAST_BURSTS = 0.01
LEAST_MOODS = 0.01
_CELL = np.arange(WEEK)
_HOUR_OF_DAY = _CELL % DAY
_KIND = (_CELL // DAY >= 5) * DAY + _HOUR_OF_DAY
"""For each hour of the week its kind of day and hour of the day, 0 to 47."""


@dataclass(frozen=True, slots=True)
class History:
    """Consecutive hours, all of shape (hours,): documents, negatives, the hour of the week, and which hours count."""

    documents: Integers
    negatives: Integers
    hour_of_week: Integers
    kept: Mask


@dataclass(frozen=True, slots=True)
class Baseline:
    """Expected `documents` and their negative `share` by hour of the week, shape (168,).

    Documents vary as mu + bursts mu^2, negatives as mu + (bursts + moods) mu^2 (see `evidence`).
    """

    documents: Floats
    share: Floats
    bursts: float
    moods: float

    def normal(self, weekly: Integers | int, part: float = 1.0) -> Normal:
        """What is normal for an hour of the week or for some of them, or for a part of each."""
        documents, share = self.documents[weekly] * part, self.share[weekly]
        return Normal(documents * share, documents * (1 - share), self.bursts, self.moods)


def fit(history: History) -> Baseline:
    """The baseline for the hours that follow `history`: once over credible counts, once more over clipped ones."""
    where, kept = history.hour_of_week, history.kept
    documents, negatives = (_credible(each, where, kept) for each in (history.documents, history.negatives))
    draft = _fit(documents, negatives, where, kept, Baseline(np.ones(WEEK), np.ones(WEEK), GUESSED_BURSTS, LEAST_MOODS))
    usual = draft.documents[where] * _weekly_level(documents, draft.documents[where], kept)
    documents = np.minimum(documents, _ceiling(usual, draft.bursts))
    negatives = np.minimum(negatives, _ceiling(usual * draft.share[where], draft.bursts + draft.moods))
    found = _fit(documents, negatives, where, kept, draft)
    weight = _recency(len(documents)) * kept
    level = _ratio(documents, found.documents[where], weight)
    inclination = _ratio(negatives, documents * found.share[where], weight)
    return Baseline(found.documents * level, np.clip(found.share * inclination, 0.005, 0.98), found.bursts, found.moods)


def _fit(documents: Floats, negatives: Floats, where: Integers, kept: Mask, before: Baseline) -> Baseline:
    """At the level of all weeks; `before` tells how far hours scatter."""
    sums, bad, weeks = (_sums(where[kept], each[kept], WEEK) for each in (documents, negatives, np.ones(len(where))))
    cells = _drawn_counts(sums, weeks, before.bursts)
    share = _drawn_shares(bad, sums, weeks, before.moods)
    usual = cells[where] * _weekly_level(documents, cells[where], kept)
    bursts = _dispersion(documents, usual, kept)
    return Baseline(cells, share, bursts, _moods(documents, negatives, share[where], kept))


def _drawn_counts(sums: Floats, weeks: Floats, bursts: float) -> Floats:
    """Expected counts by hour of the week, shape (168,): all days, then the kind of day, then the hour itself."""
    overall = sums.sum() / max(1.0, weeks.sum())
    all_days = (_over(_HOUR_OF_DAY, sums) + overall) / (_over(_HOUR_OF_DAY, weeks) + 1.0)
    level = _over(_KIND // DAY, sums) / np.maximum(_over(_KIND // DAY, weeks * all_days), 1e-9)
    kinds = _drawn(_over(_KIND, sums), _over(_KIND, weeks), all_days * level, bursts)
    return np.maximum(_drawn(sums, weeks, kinds, bursts), LEAST_EXPECTED)


def _drawn(sums: Floats, hours: Floats, prior: Floats, bursts: float) -> Floats:
    """Means of `hours` counts drawn to `prior`, whose weight in hours is (1 / prior + bursts) / difference."""
    prior = np.maximum(prior, LEAST_EXPECTED)
    noise = prior + bursts * prior**2
    beyond = (sums - hours * prior) ** 2 - hours * noise
    difference = max(LEAST_DIFFERENCE, float(beyond.sum() / max(1e-9, float(((hours * prior) ** 2).sum()))))
    worth = noise / (difference * prior**2)
    return np.asarray((sums + worth * prior) / (hours + worth))


def _drawn_shares(bad: Floats, sums: Floats, weeks: Floats, moods: float) -> Floats:
    """Negative shares by hour of the week, shape (168,): of all documents, then the kind of day, then the hour itself."""
    overall = np.full(WEEK, (bad.sum() + 1.0) / (sums.sum() + 4.0))
    kinds = _drawn_share(_over(_KIND, bad), _over(_KIND, sums), _over(_KIND, weeks), overall, moods)
    return _drawn_share(bad, sums, weeks, kinds, moods)


def _drawn_share(bad: Floats, sums: Floats, hours: Floats, prior: Floats, moods: float) -> Floats:
    """Shares of `sums` documents in `hours` hours drawn to `prior`; its weight in documents follows from how odds differ."""
    unit = prior * (1 - prior)
    each = sums / np.maximum(hours, 1.0)
    noise = unit * (1 + each * unit * moods)
    beyond = (bad - sums * prior) ** 2 - sums * noise
    difference = max(LEAST_DIFFERENCE, float(beyond.sum() / max(1e-9, float(((sums * unit) ** 2).sum()))))
    worth = noise / (difference * unit**2)
    return np.asarray((bad + worth * prior) / (sums + worth))


def _over(groups: Integers, values: Floats) -> Floats:
    """Sums over the hours of the week that are in one group; shape (168,)."""
    return _sums(groups, values, 0)[groups]


def _sums(groups: Integers, values: Floats, size: int) -> Floats:
    return np.asarray(np.bincount(groups, values, size), dtype=np.float64)


def _credible(values: Integers, where: Integers, kept: Mask) -> Floats:
    """Values, none of them absurdly above the median of its kind of day and hour of the day: a flood must not move what it is
    measured by."""
    place = _KIND[where]
    medians = _medians(place[kept], values[kept], 2 * DAY)
    ceiling = medians + ABSURD * np.sqrt(medians + medians**2 / 10) + ABSURD
    return np.asarray(np.minimum(values, ceiling[place]), dtype=np.float64)


def _medians(groups: Integers, values: Integers, size: int) -> Floats:
    """The median of each group's values, shape (size,); 0 for a group without any."""
    ordered = np.append(values[np.lexsort((values, groups))], 0)
    number = np.bincount(groups, minlength=size)
    begin = np.cumsum(number) - number
    middle = ordered[begin + np.maximum(number - 1, 0) // 2] + ordered[begin + number // 2]
    return np.where(number > 0, middle / 2, 0.0)


def _ceiling(usual: Floats, dispersion: float) -> Floats:
    return usual + CLIP * np.sqrt(usual + dispersion * usual**2) + 1.0


def _recency(hours: int) -> Floats:
    return np.asarray(0.5 ** (np.arange(hours)[::-1] / LEVEL_HALF_LIFE_H), dtype=np.float64)


def _weekly_level(values: Floats, expected: Floats, kept: Mask) -> Floats:
    """Each week's level over that of all weeks, shape (hours,): a trend is no scatter."""
    week = (len(values) - 1 - np.arange(len(values))) // WEEK
    ours, theirs = (_sums(week[kept], each[kept], int(week[0]) + 1) + LEVEL_PRIOR for each in (values, expected))
    return (ours / theirs)[week]


def _ratio(values: Floats, expected: Floats, weight: Floats) -> float:
    return float(((values * weight).sum() + LEVEL_PRIOR) / ((expected * weight).sum() + LEVEL_PRIOR))


def _dispersion(values: Floats, expected: Floats, kept: Mask) -> float:
    """By the method of moments: var = mu + dispersion mu^2."""
    beyond = ((values - expected) ** 2 - expected)[kept].sum()
    scale = (expected**2)[kept].sum()
    return max(LEAST_BURSTS, float(beyond / scale)) if scale > 0 else LEAST_BURSTS


def _moods(documents: Floats, negatives: Floats, share: Floats, kept: Mask) -> float:
    """Of the negatives among an hour's documents, by the method of moments: var = n u + moods n (n - 1) u^2, u = p (1 - p)."""
    unit = share * (1 - share)
    beyond = ((negatives - documents * share) ** 2 - documents * unit)[kept].sum()
    scale = (documents * (documents - 1) * unit**2)[kept].sum()
    return float(np.clip(beyond / scale, LEAST_MOODS, 1.0)) if scale > 0 else LEAST_MOODS
