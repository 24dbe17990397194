"""How popular each item was at each time."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.recommend.history import DAY_S
from training.recommend.histories import Histories


@dataclass(frozen=True, slots=True)
class PopularityConfig:
    """Half-lives of the trends, of the plain popular list, and the grid of periods on which trends are kept."""

    half_lives_days: tuple[float, ...] = (30.0, 120.0)
    list_half_life_days: float = 90.0
    period_days: float = 7.0
    most_periods: int = 160


@dataclass(frozen=True, slots=True)
class Popularity:
    """`features[f]` is periods x items: log(1 + interactions ever), the same in every period, then one trend a half-life.

    A trend in period p is log(1 + decayed interactions before p began); period p begins at `start` + p * `step` seconds.
    """

    features: tuple[npt.NDArray[np.float32], ...]
    listed: npt.NDArray[np.float32]
    start: float
    step: float


def fit_popularity(histories: Histories, config: PopularityConfig) -> Popularity:
    """Shapes as in `Popularity`; without interactions one period of zeros."""
    first, last = (histories.moments.min(), histories.moments.max()) if len(histories.items) else (0.0, 0.0)
    step = max(config.period_days * DAY_S, (last - first) / (config.most_periods - 2))
    period = np.floor((histories.moments - first) / step).astype(np.int64)
    counts = np.zeros((math.floor((last - first) / step) + 2, histories.n_items), np.float32)
    np.add.at(counts, (period, histories.items), histories.weights)
    ever = np.broadcast_to(np.log1p(counts.sum(axis=0)), counts.shape)
    trends = [_decayed_before(counts, step / DAY_S, half_life) for half_life in config.half_lives_days]
    age_days = (last - histories.moments) / DAY_S
    listed = np.bincount(
        histories.items,
        histories.weights * 0.5 ** (age_days / config.list_half_life_days),
        minlength=histories.n_items,
    )
    return Popularity((ever, *map(np.log1p, trends)), listed.astype(np.float32), float(first), float(step))


def _decayed_before(
    counts: npt.NDArray[np.float32], period_days: float, half_life_days: float
) -> npt.NDArray[np.float32]:
    decay = np.float32(0.5 ** (period_days / half_life_days))
    before = np.zeros_like(counts)
    for period in range(1, len(counts)):
        before[period] = before[period - 1] * decay + counts[period - 1]
    return before
