"""Figures for classifiers, each with its definition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """Of one class: the rows that are of it, and how they were told. Precision is None where nothing was said to be of it, recall
    where nothing is.
    """

    rows: int
    precision: float | None
    recall: float | None
    f1: float


def by_class(truth: Integers, predicted: Integers, names: Sequence[str]) -> dict[str, ClassFigures]:
    """The figures of every class that occurs or is said."""
    table = confusion(truth, predicted, len(names))
    f1 = f1_by_class(truth, predicted, len(names))
    found = {}
    for name, hits, said, real, score in zip(names, np.diag(table), table.sum(0), table.sum(1), f1, strict=True):
        if said or real:
            precision, recall = float(hits / said) if said else None, float(hits / real) if real else None
            found[name] = ClassFigures(int(real), precision, recall, float(score))
    return found


def macro_f1(truth: Integers, predicted: Integers, classes: int) -> float:
    """The mean F1 over the classes that occur or are said."""
    return float(np.nanmean(f1_by_class(truth, predicted, classes)))


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows of like confidence: how many, what they were told with, and how many of them were right, as means."""

    rows: int
    confidence: float
    accuracy: float


def reliability(confidence: Floats, correct: NDArray[np.bool_], bins: int = 15) -> list[Bin]:
    """Equal-width bins from the least confidence to the most; those without rows are left out."""
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        Bin(int(held.sum()), float(confidence[held].mean()), float(correct[held].mean()))
        for held in (places == place for place in np.unique(places))
    ]


def expected_calibration_error(confidence: Floats, correct: NDArray[np.bool_], bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equal-width bins, weighted by rows (Guo et al. 2017)."""
    found = reliability(confidence, correct, bins)
    gaps = sum(each.rows * abs(each.confidence - each.accuracy) for each in found)
    return gaps / max(1, sum(each.rows for each in found))


def auroc(positive: Floats, negative: Floats) -> float:
    """The chance that a positive scores above a negative, ties counting half (Mann and Whitney 1947)."""
    scores = np.concatenate([positive, negative])
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[inverse]
    total = ranks[: len(positive)].sum() - len(positive) * (len(positive) + 1) / 2
    return float(total / (len(positive) * len(negative)))


def mean_accuracy(logits: Mapping[str, Floats], truth: Mapping[str, Integers], unknown: int) -> float:
    """The mean over the tasks that some row tells of; 0 where none does. `unknown` is the truth of a row that does not tell."""
    shares = []
    for task, values in logits.items():
        told = truth[task] != unknown
        if told.any():
            shares.append(float((values[told].argmax(axis=1) == truth[task][told]).mean()))
    return sum(shares) / len(shares) if shares else 0.0
