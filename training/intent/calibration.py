"""Confidence that means something: a temperature a task, and a threshold between what we know and what we do not."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from services.intent.trained.confidence import STRAIGHT, TOLD, Beta, Floats, Scope, softmax
from training.intent.metrics import Integers
from training.intent.rows import UNKNOWN, UnusableData

KEPT_IN_SCOPE = 0.95
FEWEST = 10
"""Unknown rows from which a threshold is set by them: with one or two, a single odd text would put half of the known out of scope."""
PRIOR = 1.0
"""How strongly `bend` is held to a straight line, in rows.

Fitted on the validation rows of two hands and judged on the third's, each in turn, 0.1, 1, 3 and 10 gave a mean ECE of .017, .015,
.017 and .017; the temperature alone gave .020.
"""


def temperature(logits: Floats, truth: Integers) -> float:
    """The temperature with the least negative log-likelihood (Guo et al. 2017), within 0.05 and 20.

    That of labels that hold with (n + 1) / (n + 2) for n rows, as after so many that were right (the rule of succession): where all
    are right, the labels as they are would have it as cold as may be, and every text told as sure.
    """
    doubt = 1 / (len(truth) + 2)

    def loss(log_temperature: float) -> float:
        told = np.log(softmax(logits, float(np.exp(log_temperature))) + 1e-12)
        return float(-((1 - doubt) * told[np.arange(len(truth)), truth] + doubt * told.mean(axis=1)).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded")
    return float(np.exp(found.x))


def bend(confidence: Floats, correct: NDArray[np.bool_]) -> Beta:
    """What turns the probability of the label that is told into how often it is right; both have shape (rows,).

    Beta calibration (Kull et al. 2017): logistic regression on ln p and −ln(1 − p) with slopes that are not negative, held to the
    straight line by a normal prior, for few rows. A temperature cannot mend what is sure and wrong at a steady rate.
    """
    inner = np.clip(confidence, 1e-6, 1 - 1e-6)
    features = np.stack([np.log(inner), -np.log1p(-inner), np.ones(len(inner))], axis=1)
    right, start = int(correct.sum()), np.array(STRAIGHT)
    aim = np.where(correct, (right + 1) / (right + 2), 1 / (len(correct) - right + 2))

    def loss(weights: Floats) -> float:
        odds = features @ weights
        misfit = aim * np.logaddexp(0, -odds) + (1 - aim) * np.logaddexp(0, odds)
        return float(misfit.sum() + PRIOR * ((weights - start) ** 2).sum())

    found = minimize(loss, start, method="L-BFGS-B", bounds=[(0, None), (0, None), (None, None)])
    return Beta(*(float(value) for value in found.x))


def scope_threshold(scores: Floats, known: NDArray[np.bool_]) -> float:
    """The score below which a text counts as out of scope.

    With unknown rows at hand, the one with the best balanced accuracy (Youden's J), unless to refuse nobody is as good; with fewer
    than `FEWEST` of them, the one that keeps 95 % of the known. Raises `UnusableData` where nothing is known.
    """
    if not known.any():
        raise UnusableData("no row is in scope: there is nothing to set the threshold of scope by")
    if (~known).sum() < FEWEST:
        return float(np.quantile(scores[known], 1 - KEPT_IN_SCOPE))
    order = np.argsort(scores)
    ranked, inside = scores[order], known[order]
    lost = np.cumsum(inside) / inside.sum()
    refused = np.cumsum(~inside) / (~inside).sum()
    best = int(np.argmax(refused - lost))
    if refused[best] <= lost[best]:
        return float(ranked[0])
    above = ranked[min(best + 1, len(ranked) - 1)]
    return float((ranked[best] + above) / 2)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns logits into probabilities and a verdict on scope; temperatures and what bends confidence by task."""

    temperatures: dict[str, float]
    confidence: dict[str, Beta] = field(default_factory=dict)
    scope: Scope = "energy"
    scope_threshold: float | None = None


def calibrate(logits: Mapping[str, Floats], truth: Mapping[str, Integers]) -> Calibration:
    """Temperatures and confidence by task, from rows that were not trained on; `UNKNOWN` rows of a task are left out of it."""
    temperatures: dict[str, float] = {}
    confidence: dict[str, Beta] = {}
    for task, values in logits.items():
        told = truth[task] != UNKNOWN
        rows, right = values[told], truth[task][told]
        temperatures[task] = temperature(rows, right) if told.any() else 1.0
        odds = softmax(rows, temperatures[task])
        if task in TOLD and told.any():
            confidence[task] = bend(odds.max(axis=1), odds.argmax(axis=1) == right)
    return Calibration(temperatures, confidence)
