"""From what a passage has in common with a question to the probability that it answers. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import orjson
from numpy.typing import NDArray

Mode = Literal["hybrid", "lexical"]
Floats = NDArray[np.floating[Any]]
SHIPPED = Path(__file__).with_name("ranking.json")
FEATURES: Mapping[Mode, tuple[str, ...]] = {
    "hybrid": (
        *("cosine", "lead", "coverage", "evidence", "length", "language", "share_lead", "heading", "heading_lead"),
    ),
    "lexical": ("coverage", "evidence", "length", "language", "share_lead", "heading", "heading_lead"),
}


ANSWERS = 3
"""Passages that a search for a turn gives."""
NEAR = 0.3
"""The share of the threshold from which a passage is offered: on the dev half the right one to half of those that get no quotation."""


class RankingRefused(Exception):
    """The file holds no ranking."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """A logistic model over the features of a mode, in their order, and the probability from which a passage is an answer."""

    weights: tuple[float, ...]
    bias: float
    threshold: float

    @property
    def near(self) -> float:
        """The probability from which a passage is worth being offered."""
        return self.threshold * NEAR

    def probability(self, features: Floats) -> Floats:
        """Of features of shape (passages, features)."""
        return np.asarray(1 / (1 + np.exp(-(features @ np.array(self.weights) + self.bias))))


def load_rankings(path: Path | None = None) -> dict[Mode, Ranking]:
    """One ranking a mode, by default those that ship. Raises `RankingRefused`."""
    try:
        raw = orjson.loads((path or SHIPPED).read_bytes())
        found: dict[Mode, Ranking] = {mode: _ranking(raw[mode], names) for mode, names in FEATURES.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RankingRefused(f"{path}: {error!r}") from error
    return found


def _ranking(raw: dict[str, Any], names: tuple[str, ...]) -> Ranking:
    return Ranking(tuple(float(raw["weights"][name]) for name in names), float(raw["bias"]), float(raw["threshold"]))
