"""Counts and shares as numbers that scatter about 0 with variance 1. Pure."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_OFFSET = 0.375


def count_residuals(counts: NDArray[Any], expected: Floats, dispersion: float) -> Floats:
    """For counts of variance mu + dispersion mu^2 (negative binomial; Anscombe 1948).

    g(x) = 2 asinh(sqrt(dispersion (x + 3/8))) / sqrt(dispersion) has the constant slope that makes its variance 1; the residual is
    g(counts) - g(expected). Without dispersion it would be 2 sqrt(x + 3/8).
    """
    root = np.sqrt(dispersion)

    def stabilised(values: NDArray[Any]) -> Floats:
        return np.asarray(2.0 * np.arcsinh(root * np.sqrt(values + _OFFSET)) / root)

    return stabilised(counts) - stabilised(expected)


def share_residuals(hits: NDArray[Any], trials: NDArray[Any], share: Floats, correlation: float) -> Floats:
    """For beta-binomial counts of `hits` in `trials`: the arcsine of Anscombe (1948), its variance widened for the correlation.

    2 sqrt(n + 1/2) (asin sqrt((x + 3/8) / (n + 3/4)) - asin sqrt(p')) / sqrt(1 + (n - 1) correlation), p' taken likewise from n p.
    """
    n = trials.astype(float)

    def angle(values: NDArray[Any]) -> Floats:
        return np.asarray(np.arcsin(np.sqrt((values + _OFFSET) / (n + 2 * _OFFSET))))

    widened = np.sqrt(1.0 + np.maximum(n - 1.0, 0.0) * correlation)
    return np.asarray(2.0 * np.sqrt(n + 0.5) * (angle(hits) - angle(n * share)) / widened)
