"""Ranking metrics with binary gains, per person, and intervals over people."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.recommend.histories import Histories, Ints

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % bootstrap interval over people."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PersonMetrics:
    """One entry per person of a test: NDCG@k, recall@k and reciprocal rank within the first k."""

    ndcg: Floats
    recall: Floats
    reciprocal_rank: Floats


def hits(lists: Ints, test: Histories, people: Ints) -> npt.NDArray[np.bool_]:
    """True where a listed item is one of the person's test items. `lists` is people x k."""
    wanted = test.of(people)
    width = max(test.n_items, 1)
    keys = wanted.owners * width + wanted.items
    return np.isin(np.arange(len(people))[:, None] * width + lists, keys)


def person_metrics(hit: npt.NDArray[np.bool_], relevant: Ints, k: int) -> PersonMetrics:
    """`hit` is people x (at most k), best first; `relevant` counts each person's test items, at least one.

    NDCG: gains of 1, discount 1 / log2(rank + 1), divided by that of an ideal list of min(k, relevant) hits.
    Recall: hits / relevant.
    """
    discount = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(discount)[np.minimum(relevant, k) - 1]
    ranks = np.arange(1, hit.shape[1] + 1)
    first = np.where(hit.any(axis=1), 1 / ranks[hit.argmax(axis=1)], 0.0) if hit.shape[1] else np.zeros(len(hit))
    return PersonMetrics((hit * discount[: hit.shape[1]]).sum(axis=1) / ideal, hit.sum(axis=1) / relevant, first)


def interval(values: Floats, *, seed: int, draws: int = 1_000) -> Interval:
    """Percentile bootstrap over people; paired differences come in as values. No people: all 0."""
    if not len(values):
        return Interval(0.0, 0.0, 0.0)
    rng = np.random.default_rng(seed)
    means = [rng.choice(values, len(values)).mean() for _ in range(draws)]
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(values.mean()), float(low), float(high))
