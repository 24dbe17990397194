"""From logits to what they are worth: probabilities, and how much a text looks like something known. Pure.

Training calibrates with these very functions.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.intent.labels import OUT_OF_SCOPE

Floats = NDArray[np.floating[Any]]


def softmax(logits: Floats, temperature: float = 1.0) -> Floats:
    """Rows to probabilities; shape (rows, classes)."""
    scaled = logits / temperature
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    exponentials = np.exp(scaled)
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def known_score(logits: Floats, classes: Sequence[str], temperature: float) -> Floats:
    """How much a text looks like something known, higher for known; shape (rows,).

    The free energy of the known classes, logsumexp(z / T) (Liu et al. 2020), less the logit of `out_of_scope` where the model has
    that class: the log-odds of being known.
    """
    scaled = logits / temperature
    inside = np.array([name != OUT_OF_SCOPE for name in classes])
    top = scaled[:, inside].max(axis=1)
    energy = top + np.log(np.exp(scaled[:, inside] - top[:, None]).sum(axis=1))
    return np.asarray(energy if inside.all() else energy - scaled[:, ~inside][:, 0])
