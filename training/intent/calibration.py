"""Confidence that means something: a temperature a task, and a threshold between what we know and what we do not."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from services.intent.trained.confidence import Floats, Scope, softmax
from training.intent.metrics import Integers

KEPT_IN_SCOPE = 0.95


def temperature(logits: Floats, truth: Integers) -> float:
    """The temperature with the least negative log-likelihood (Guo et al. 2017), within 0.05 and 20."""

    def loss(log_temperature: float) -> float:
        probabilities = softmax(logits, float(np.exp(log_temperature)))
        return float(-np.log(probabilities[np.arange(len(truth)), truth] + 1e-12).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded")
    return float(np.exp(found.x))


def scope_threshold(scores: Floats, known: NDArray[np.bool_]) -> float:
    """The score below which a text counts as out of scope.

    With unknown rows at hand, the one with the best balanced accuracy (Youden's J); else the one that keeps 95 % of the known.
    """
    if known.all():
        return float(np.quantile(scores, 1 - KEPT_IN_SCOPE))
    order = np.argsort(scores)
    ranked, inside = scores[order], known[order]
    lost = np.cumsum(inside) / inside.sum()
    refused = np.cumsum(~inside) / (~inside).sum()
    best = int(np.argmax(refused - lost))
    above = ranked[min(best + 1, len(ranked) - 1)]
    return float((ranked[best] + above) / 2)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns logits into probabilities and a verdict on scope."""

    temperatures: dict[str, float]
    scope: Scope = "energy"
    scope_threshold: float | None = None
