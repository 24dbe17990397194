"""Counts, bounds, residuals and likelihood ratios."""

import numpy as np
import pytest

from services.intent.monitor.counts import Counts, wilson
from services.intent.monitor.evidence import Normal, log_likelihood_ratio, residual
from tests.unit.intent_monitor.streams import hours_of


def test_wilson_bounds_are_the_published_ones() -> None:
    assert wilson(3, 3) == (pytest.approx(0.4385, abs=1e-4), 1.0)
    assert wilson(10, 100) == (pytest.approx(0.0552, abs=1e-4), pytest.approx(0.1744, abs=1e-4))
    assert wilson(0, 0) == (0.0, 1.0)


def test_counts_add_up() -> None:
    assert Counts(1, 1, 2, 1, 3.5) + Counts(1, 0, 1, 1, 0.5) == Counts(2, 1, 3, 2, 4.0)


@pytest.mark.parametrize(
    ("negatives", "others", "bursts", "moods"),
    [(4.0, 12.0, 0.05, 0.01), (50.0, 150.0, 0.1, 0.02), (50.0, 10.0, 0.05, 0.05), (1000.0, 3000.0, 0.05, 0.01)],
)
def test_residuals_scatter_about_0_with_variance_1(
    negatives: float, others: float, bursts: float, moods: float
) -> None:
    normal = Normal(negatives, others, bursts, moods)
    found = residual(normal, *hours_of(normal, 1.0))
    assert float(found.mean()) == pytest.approx(0, abs=0.15)
    assert float(found.std()) == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize(("negatives", "others"), [(1.0, 3.0), (3.0, 1.0)])
def test_a_likelihood_ratio_is_one_on_average_where_nothing_surges(negatives: float, others: float) -> None:
    normal = Normal(negatives, others, 0.1, 0.02)
    calm, surge = hours_of(normal, 1.0), hours_of(normal, 2.5)
    assert float(np.exp(log_likelihood_ratio(normal, *calm, 2.5)).mean()) == pytest.approx(1, abs=0.02)
    assert float(np.exp(-log_likelihood_ratio(normal, *surge, 2.5)).mean()) == pytest.approx(1, abs=0.02)


def test_a_likelihood_ratio_of_poisson_counts_is_the_textbook_one() -> None:
    normal = Normal(5.0, 15.0, 1e-6, 1e-9)
    found = log_likelihood_ratio(normal, np.array([0, 5, 20]), np.array([15, 15, 15]), 3.0)
    assert found == pytest.approx(np.array([0, 5, 20]) * np.log(3) - 2 * 5.0, abs=1e-3)
    part = log_likelihood_ratio(normal, np.array(20), np.array(15), 3.0, lasts=0.5, surged=np.array(14))
    assert float(part) == pytest.approx(14 * np.log(3) - 5.0, abs=1e-3)


def by_a_dense_grid(normal: Normal, negatives: int, others: int, size: float) -> float:
    """The same ratio, the negatives' own factor summed up in 40,000 steps."""
    k, spread = 1 / normal.bursts, np.log1p(normal.moods)
    log_own = np.linspace(-6, 6, 40_000)
    prior = -((log_own + spread / 2) ** 2) / (2 * spread)

    def log_likelihood(grown: float) -> float:
        rate = k + normal.others + grown * normal.negatives * np.exp(log_own)
        return float(np.logaddexp.reduce(prior + negatives * log_own - (k + negatives + others) * np.log(rate)))

    return negatives * float(np.log(size)) + log_likelihood(size) - log_likelihood(1.0)


@pytest.mark.parametrize("expected", [25.0, 400.0, 1000.0])
@pytest.mark.parametrize("moods", [0.01, 0.1, 0.3])
def test_a_likelihood_ratio_is_that_of_a_dense_grid_and_rises_with_the_count(expected: float, moods: float) -> None:
    normal = Normal(expected, 3 * expected, 0.05, moods)
    counts = np.round(expected * np.array([0.0, 0.5, 1.0, 1.3, 2.0, 4.0, 10.0])).astype(np.int64)
    others = round(3 * expected)
    found = log_likelihood_ratio(normal, counts, np.full(len(counts), others), 2.5)
    assert found == pytest.approx([by_a_dense_grid(normal, int(each), others, 2.5) for each in counts], abs=0.01)
    assert (np.diff(found) > 0).all()


def test_attention_that_all_documents_get_is_no_evidence() -> None:
    normal = Normal(50.0, 150.0, 0.1, 0.01)
    assert float(log_likelihood_ratio(normal, np.array(100), np.array(300), 2.5)) < -3
    assert float(log_likelihood_ratio(normal, np.array(100), np.array(150), 2.5)) > 3
    assert abs(float(residual(normal, np.array(100), np.array(300)))) < 1
