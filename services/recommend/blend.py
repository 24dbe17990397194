"""How the sources' scores become one: a curve and a weight per source, one logistic for what the caller sees. Pure numpy."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Source = Literal["ease", "knn", "markov", "text", "category", "popular", "cold"]
Reads = Literal["recent", "last", "taste"]
Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Term:
    """One source of evidence.

    `reads` says what it is given: every recent item with its decayed weight, the last item only, or the person's taste (a
    share per category). `scale` is where its curve bends, in the source's own unit; `weight` is fitted on validation.
    """

    name: str
    source: Source
    matrix: str
    reads: Reads
    weight: float
    scale: float

    def curve(self, raw: Scores) -> Scores:
        """weight * log(1 + raw / scale): rising, and flattening where a source is sure anyway. Negative evidence counts 0."""
        return np.float32(self.weight) * np.log1p(np.maximum(raw, np.float32(0)) / np.float32(self.scale))


@dataclass(frozen=True, slots=True)
class Blend:
    """What is fitted beside the matrices.

    The shown score is 1 / (1 + exp(-(blended - middle) / spread)); `middle` and `spread` are median and quartile range / 2.2
    of the blended scores in the lists of validation people, so 0.5 is as strong as the median recommendation of anybody.
    """

    terms: tuple[Term, ...]
    half_life_days: float
    history_length: int
    middle: float
    spread: float
    prior_start: float
    prior_step: float

    def shown(self, blended: float) -> float:
        """0 < score < 1, in the order of the blended scores."""
        x = max(-30.0, min(30.0, (blended - self.middle) / self.spread))
        return 1.0 / (1.0 + math.exp(-x))

    def period(self, now: float, periods: int) -> int:
        """The row of the popularity prior for a moment: complete periods before it, and nothing of the future."""
        step = math.floor((now - self.prior_start) / self.prior_step)
        return max(0, min(periods - 1, step))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Blend":
        """KeyError or TypeError for what is not a blend."""
        terms: Sequence[Mapping[str, Any]] = data["terms"]
        return cls(**{**data, "terms": tuple(Term(**term) for term in terms)})
