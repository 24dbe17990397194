"""From logits to what they are worth: probabilities, and how much a text looks like something known. Pure.

Training calibrates with these very functions.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.intent.labels import OUT_OF_SCOPE

Scope = Literal["energy", "distance"]
"""What tells known texts from others: the logits, or how far a text is from every known class by embedding and logits."""

Floats = NDArray[np.floating[Any]]


class Beta(NamedTuple):
    """How a probability is bent to what it has proved to be worth: σ(a ln p − b ln(1 − p) + c) (Kull, Silva Filho and Flach 2017)."""

    a: float
    b: float
    c: float


TOLD = ("intent", "topic")
"""Tasks whose label is told with how sure it is."""
STRAIGHT = Beta(1.0, 1.0, 0.0)
_LEAST = 1e-6


def bent(probabilities: Floats, beta: Beta) -> Floats:
    """Calibrated probabilities of the same shape; the order among them stays, as a and b are not negative."""
    if beta == STRAIGHT:
        return probabilities
    inner = np.minimum(np.maximum(probabilities, _LEAST), 1 - _LEAST)  # np.clip takes three times as long for a few
    return np.asarray(1 / (1 + np.exp(-(beta.a * np.log(inner) - beta.b * np.log1p(-inner) + beta.c))))


def softmax(logits: Floats, temperature: float = 1.0) -> Floats:
    """Rows to probabilities; shape (rows, classes)."""
    scaled = logits / temperature
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    exponentials = np.exp(scaled)
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def energy(logits: Floats, classes: Sequence[str], temperature: float) -> Floats:
    """How much a text looks like something known by its logits, higher for known; shape (rows,).

    The free energy of the known classes, logsumexp(z / T) (Liu et al. 2020), less the logit of `out_of_scope` where the model has
    that class: the log-odds of being known.
    """
    scaled = logits / temperature
    if OUT_OF_SCOPE not in classes:
        return _log_sum_exp(scaled)
    stranger = classes.index(OUT_OF_SCOPE)
    known = scaled.copy()
    known[:, stranger] = -np.inf
    return np.asarray(_log_sum_exp(known) - scaled[:, stranger])


def _log_sum_exp(rows: Floats) -> Floats:
    top = rows.max(axis=1)
    return np.asarray(top + np.log(np.exp(rows - top[:, None]).sum(axis=1)))


def known_score(logits: Floats, distance: Floats | None, classes: Sequence[str], temperature: float) -> Floats:
    """How much a text looks like something known, higher for known; shape (rows,).

    By the distance, of shape (rows, 1), where the model judges by it; else by the energy of the logits.
    """
    return energy(logits, classes, temperature) if distance is None else -distance[:, 0]
