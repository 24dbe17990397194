"""What an hour's counts say for a surge: a log likelihood ratio, and a residual that scatters about 0 with variance 1. Pure.

Negatives and other documents of an hour are Poisson numbers whose intensities share a gamma factor (attention comes in bursts:
Greenwood and Yule 1920); the negatives have a further factor of their own, near 1. What the others say of the shared factor
is so much less noise in the negatives.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
_STEPS = 12
_OFFSET = 0.375


@dataclass(frozen=True, slots=True)
class Normal:
    """Expected `negatives` and `others`, numbers or arrays of one shape; squared coefficients of variation, above 0, of the factor
    that both share (`bursts`) and of the negatives' own (`moods`)."""

    negatives: Any
    others: Any
    bursts: float
    moods: float

    @property
    def deviation(self) -> Any:
        """The standard deviation of the negatives."""
        return np.sqrt(self.negatives + (self.bursts + self.moods) * self.negatives**2)


def log_likelihood_ratio(
    normal: Normal,
    negatives: NDArray[Any],
    others: NDArray[Any],
    size: float,
    *,
    lasts: float = 1.0,
    surged: NDArray[Any] | None = None,
) -> Floats:
    """log P(counts | negatives come `size` times as often) - log P(counts | normal), in nats; of the shape of the counts.

    A surge that `lasts` for a part of the time has `surged` of the negatives in that part. The shared factor is integrated
    exactly, the own one, taken as lognormal, numerically.
    """
    inside = negatives if surged is None else surged
    surge = _log_integral(normal, negatives, others, 1.0 + (size - 1.0) * lasts)
    return np.asarray(inside * np.log(size) + surge - _log_integral(normal, negatives, others, 1.0))


def _log_integral(normal: Normal, negatives: NDArray[Any], others: NDArray[Any], grown: float) -> Floats:
    """log E[M^x (k + grown a M + b)^-(k + x + y)] over the own factor M: the likelihood, but for what both hypotheses share.

    Adaptive Gauss-Hermite quadrature in log M (Liu and Pierce 1994): the nodes lie around the integrand's mode, as wide as it is,
    for many counts make it far narrower than the factor's own distribution.
    """
    k, spread = 1.0 / normal.bursts, np.log1p(normal.moods)
    usual, rest, total = grown * normal.negatives, k + normal.others, k + negatives + others
    mode, deviation = _mode(usual, rest, negatives, total, spread)
    nodes = _NODES.reshape((len(_NODES), *([1] * np.ndim(mode))))
    log_own = mode + deviation * nodes
    log_density = -((log_own + spread / 2) ** 2) / (2 * spread)
    terms = log_density + negatives * log_own - total * np.log(rest + usual * np.exp(log_own)) + nodes**2 / 2
    return np.asarray(np.log(deviation) + np.logaddexp.reduce(terms + np.log(_WEIGHTS).reshape(nodes.shape), axis=0))


def _mode(usual: Any, rest: Any, negatives: Any, total: Any, spread: Any) -> tuple[Floats, Floats]:
    """Where the integrand, log-concave in log M, is greatest, by Newton's steps; and the standard deviation of its curvature there."""
    seen = np.maximum(negatives, _OFFSET)
    known = seen * (total - negatives) / (total + _OFFSET)
    mode = (np.log(seen * rest / (usual * (total - negatives))) * known - 0.5) / (known + 1 / spread)
    for _ in range(_STEPS):
        part = usual * np.exp(mode) / (rest + usual * np.exp(mode))
        curvature = 1 / spread + total * part * (1 - part)
        slope = negatives - total * part - (mode + spread / 2) / spread
        mode = mode + np.clip(slope / curvature, -1.0, 1.0)
    return np.asarray(mode), np.asarray(1 / np.sqrt(curvature))


def residual(normal: Normal, negatives: NDArray[Any], others: NDArray[Any]) -> Floats:
    """The efficient score of the negatives' rate, made to scatter with variance 1 also where counts are small.

    With k = 1 / bursts the score is x - (k + x + y) a / (k + a + b), of variance i + moods i^2 where i = a (k + b) / (k + a + b).
    So i + score is a count of mean i from which the shared factor is taken out. It gets Anscombe's transformation for
    negative binomial counts (1948), 2 asinh(sqrt(moods (c + 3/8))) / sqrt(moods).
    """
    k = 1.0 / normal.bursts
    part = normal.negatives / (k + normal.negatives + normal.others)
    usual = part * (k + normal.others)
    freed = np.maximum(0.0, usual + negatives - (k + negatives + others) * part)
    return _stabilised(freed, normal.moods) - _stabilised(usual, normal.moods)


def _stabilised(values: Any, dispersion: float) -> Floats:
    root = np.sqrt(dispersion)
    return np.asarray(2.0 * np.arcsinh(root * np.sqrt(values + _OFFSET)) / root)
