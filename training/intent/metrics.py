"""Figures for classifiers, each with its definition."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]


def confusion(truth: Integers, predicted: Integers, classes: int) -> Integers:
    """Counts of shape (classes, classes): rows are the truth, columns what was said."""
    return np.bincount(truth * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def f1_by_class(truth: Integers, predicted: Integers, classes: int) -> Floats:
    """2TP / (2TP + FP + FN) a class; NaN for a class that neither occurs nor is said."""
    table = confusion(truth, predicted, classes)
    hits, said, real = np.diag(table), table.sum(0), table.sum(1)
    with np.errstate(invalid="ignore"):
        return np.asarray(2 * hits / (said + real))


def macro_f1(truth: Integers, predicted: Integers, classes: int) -> float:
    """The mean F1 over the classes that occur or are said."""
    return float(np.nanmean(f1_by_class(truth, predicted, classes)))


def expected_calibration_error(confidence: Floats, correct: NDArray[np.bool_], bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equal-width bins, weighted by rows (Guo et al. 2017)."""
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    counts = np.bincount(places, minlength=bins)
    gaps = np.abs(
        np.bincount(places, weights=confidence, minlength=bins) - np.bincount(places, weights=correct, minlength=bins)
    )
    return float(gaps.sum() / max(1, counts.sum()))


def auroc(positive: Floats, negative: Floats) -> float:
    """The chance that a positive scores above a negative, ties counting half (Mann and Whitney 1947)."""
    scores = np.concatenate([positive, negative])
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[inverse]
    total = ranks[: len(positive)].sum() - len(positive) * (len(positive) + 1) / 2
    return float(total / (len(positive) * len(negative)))
