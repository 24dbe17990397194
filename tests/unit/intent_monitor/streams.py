"""Streams of documents by the hour, flat or drawn by the model."""

import numpy as np

from services.intent.monitor.evidence import Normal
from services.intent.monitor.hours import WEEK

WEEKS = 9


def hours_of(normal: Normal, size: float, number: int = 100_000) -> tuple[np.ndarray, np.ndarray]:
    """Negatives and others of many hours as the model says; negatives `size` times as many as is normal."""
    rng = np.random.default_rng(0)
    shared = rng.gamma(1 / normal.bursts, normal.bursts, number)
    own = rng.lognormal(-np.log1p(normal.moods) / 2, np.sqrt(np.log1p(normal.moods)), number)
    return rng.poisson(normal.negatives * size * shared * own), rng.poisson(normal.others * shared)


def flat(negatives: int = 5, documents: int = 20) -> tuple[np.ndarray, np.ndarray]:
    hours = WEEKS * WEEK
    return np.full(hours, documents, dtype=np.int64), np.full(hours, negatives, dtype=np.int64)


def weekly(hours: int) -> np.ndarray:
    return np.arange(hours, dtype=np.int64) % WEEK
