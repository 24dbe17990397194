"""Temperature, the bend of confidence and the threshold of scope."""

import numpy as np
import pytest

from services.intent.trained.confidence import STRAIGHT, Beta, bent, energy, softmax
from training.intent.calibration import bend, calibrate, scope_threshold, temperature
from training.intent.metrics import expected_calibration_error
from training.intent.rows import UnusableData


def test_the_temperature_of_logits_that_were_scaled_is_found() -> None:
    random = np.random.default_rng(0)
    honest = random.normal(0, 2, (20_000, 4))
    odds = softmax(honest)
    truth = (random.random((20_000, 1)) < odds.cumsum(axis=1)).argmax(axis=1)
    found = temperature(3 * honest, truth)
    assert found == pytest.approx(3.0, rel=0.05)
    predicted = honest.argmax(axis=1)
    before = expected_calibration_error(softmax(3 * honest).max(axis=1), predicted == truth)
    after = expected_calibration_error(softmax(3 * honest, found).max(axis=1), predicted == truth)
    assert before > 0.1
    assert after < 0.02


def test_a_bend_that_confidence_was_given_is_found() -> None:
    random = np.random.default_rng(1)
    told = random.uniform(0.3, 0.999, 40_000)
    proved = bent(told, Beta(0.5, 0.8, -0.6))
    found = bend(told, random.random(40_000) < proved)
    assert bent(told, found) == pytest.approx(proved, abs=0.02)


def test_a_bend_keeps_the_order_and_the_ends() -> None:
    told = np.array([0.0, 0.2, 0.7, 1.0])
    found = bent(told, Beta(0.3, 1.2, -1.0))
    assert (np.diff(found) > 0).all()
    assert found[0] > 0.0 and found[3] < 1.0
    assert bent(told, STRAIGHT).tolist() == told.tolist()


def test_few_rows_bend_little() -> None:
    found = bend(np.array([0.9, 0.8, 0.95]), np.ones(3, dtype=bool))
    assert bent(np.array([0.9]), found)[0] == pytest.approx(0.9, abs=0.08)


def test_rows_that_are_all_right_make_no_text_certain() -> None:
    random = np.random.default_rng(2)
    logits = random.normal(0, 1, (400, 5))
    truth = (random.random((400, 1)) < softmax(logits, 0.4).cumsum(axis=1)).argmax(axis=1)
    right = np.flatnonzero(logits.argmax(axis=1) == truth)[:20]
    fitted = calibrate({"intent": logits[right]}, {"intent": truth[right]})
    told = bent(softmax(logits, fitted.temperatures["intent"]).max(axis=1), fitted.confidence["intent"])
    assert fitted.temperatures["intent"] > 0.2
    assert np.quantile(told, 0.1) < 0.8


def test_a_task_that_no_row_tells_of_stays_as_it_is() -> None:
    logits = {"intent": np.array([[3.0, 0.0], [0.0, 3.0], [2.0, 0.0]]), "topic": np.zeros((3, 2))}
    found = calibrate(logits, {"intent": np.array([0, 1, -100]), "topic": np.full(3, -100)})
    assert found.temperatures["topic"] == 1.0
    assert found.confidence.keys() == {"intent"}


def test_the_score_is_the_log_odds_of_being_known() -> None:
    logits = np.array([[1.0, 2.0, 0.5]])
    inside = np.exp(1.0) + np.exp(2.0)
    assert energy(logits, ("a", "b", "out_of_scope"), 1.0) == pytest.approx([np.log(inside) - 0.5])
    assert energy(logits[:, :2], ("a", "b"), 1.0) == pytest.approx([np.log(inside)])
    assert energy(logits * 2, ("a", "b", "out_of_scope"), 2.0) == pytest.approx([np.log(inside) - 0.5])


def test_a_threshold_between_known_and_unknown() -> None:
    scores, known = np.array([*np.linspace(1, 2, 10), 8.0, 9.0]), np.array([False] * 10 + [True] * 2)
    assert scope_threshold(scores, known) == 5.0


def test_unknown_rows_that_look_known_put_nobody_out_of_scope() -> None:
    scores, known = np.arange(30.0), np.array([True] * 20 + [False] * 10)
    assert (scores >= scope_threshold(scores, known)).all()


def test_one_unknown_row_decides_nothing() -> None:
    scores, known = np.arange(101.0), np.array([True] * 90 + [False] + [True] * 10)
    assert (scores >= scope_threshold(scores, known)).sum() == 96


def test_without_a_known_row_there_is_no_threshold() -> None:
    with pytest.raises(UnusableData, match="nothing to set the threshold"):
        scope_threshold(np.arange(12.0), np.zeros(12, dtype=bool))


def test_without_unknown_rows_the_threshold_keeps_nineteen_of_twenty() -> None:
    scores = np.arange(100.0)
    threshold = scope_threshold(scores, np.ones(100, dtype=bool))
    assert (scores >= threshold).sum() == 95
