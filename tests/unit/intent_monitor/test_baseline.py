"""What is normal: hours of the week, trends, and what is left out of it."""

import numpy as np
import pytest

from services.intent.monitor.baseline import History, fit
from services.intent.monitor.evidence import Normal, log_likelihood_ratio
from services.intent.monitor.hours import WEEK
from services.intent.monitor.surges import measured
from tests.unit.intent_monitor.streams import flat, hours_of, weekly


def test_a_baseline_knows_the_hours_of_the_week() -> None:
    rng = np.random.default_rng(0)
    profile = 20 + 15 * np.sin(np.arange(WEEK) / 24 * 2 * np.pi)
    negatives = rng.poisson(np.tile(profile, 8))
    found = fit(History(negatives * 4, negatives, weekly(8 * WEEK), np.ones(8 * WEEK, dtype=np.bool_)))
    assert np.abs(found.documents / 4 - profile).mean() < 0.8
    assert found.share == pytest.approx(np.full(WEEK, 0.25), abs=0.001)
    assert found.bursts < 0.06


def test_a_trend_is_followed() -> None:
    rng = np.random.default_rng(0)
    negatives = rng.poisson(np.linspace(20, 40, 8 * WEEK))
    found = fit(History(negatives * 4, negatives, weekly(8 * WEEK), np.ones(8 * WEEK, dtype=np.bool_)))
    assert float(found.documents.mean()) == pytest.approx(4 * 36.4, abs=4)
    assert found.bursts < 0.06


def test_hours_of_past_surges_do_not_make_the_next_one_normal() -> None:
    documents, negatives = flat()
    kept = np.ones(len(negatives), dtype=np.bool_)
    for week in range(8):
        negatives[week * WEEK + 12], documents[week * WEEK + 12] = 60, 75
        kept[week * WEEK + 12] = week < 0
    found = fit(History(documents, negatives, weekly(len(negatives)), kept))
    assert float(found.documents[12]) == pytest.approx(20, abs=2)
    assert float(found.share[12]) == pytest.approx(0.25, abs=0.02)


def test_a_topic_that_nobody_wrote_about_has_a_baseline_too() -> None:
    nothing = np.zeros(8 * WEEK, dtype=np.int64)
    found = fit(History(nothing, nothing, weekly(8 * WEEK), np.ones(8 * WEEK, dtype=np.bool_)))
    assert float(found.documents.max()) < 0.002
    assert float(log_likelihood_ratio(found.normal(0), np.array(0), np.array(0), 2.5)) == pytest.approx(0, abs=0.01)


def test_one_outlier_is_clipped() -> None:
    documents, negatives = flat()
    negatives[100], documents[100] = 5_000, 5_000
    found = fit(History(documents, negatives, weekly(len(negatives)), np.ones(len(negatives), dtype=np.bool_)))
    assert float(found.documents.max() * found.share.max()) < 7


def test_days_that_do_not_differ_are_drawn_together_and_those_that_do_are_not() -> None:
    rng = np.random.default_rng(1)
    alike, apart = np.full(WEEK, 20.0), np.where(np.arange(WEEK) // 24 == 2, 60.0, 20.0)
    error = {}
    for name, usual in (("alike", alike), ("apart", apart)):
        documents = rng.poisson(np.tile(usual, 8))
        found = fit(History(documents, documents // 4, weekly(8 * WEEK), np.ones(8 * WEEK, dtype=np.bool_)))
        each = (found.documents, documents.reshape(8, WEEK).mean(axis=0))
        error[name] = [float(np.abs(values / usual - 1)[48:72].mean()) for values in each]
    drawn, apart_weeks = error["alike"]
    assert drawn < apart_weeks / 2
    assert error["apart"][0] < 0.15


def test_scatter_is_told_apart_into_bursts_of_all_documents_and_moods_of_the_negatives() -> None:
    negatives, others = hours_of(Normal(50.0, 150.0, 0.1, 0.04), 1.0, 8 * WEEK)
    history = History(negatives + others, negatives, weekly(8 * WEEK), np.ones(8 * WEEK, dtype=np.bool_))
    found = fit(history)
    assert (found.bursts, found.moods) == (pytest.approx(0.1, abs=0.02), pytest.approx(0.04, abs=0.01))


def test_hours_that_are_measured_together_are_as_each_alone() -> None:
    documents, negatives = flat()
    documents[7::24], negatives[3::11] = 3, 14
    baseline = fit(History(documents, negatives, weekly(len(documents)), documents > 0))
    some = slice(5, 29)
    columns = documents[some], negatives[some], weekly(len(documents))[some]
    together = measured(baseline, *columns, 2.5)
    assert together == [
        measured(baseline, *(each[place : place + 1] for each in columns), 2.5)[0] for place in range(24)
    ]
    assert len({each.log_ratio for each in together}) > 3
