"""Figures against values worked out by hand."""

import numpy as np
import pytest

from training.intent.evaluation import figures, purchase_auc, scope_auroc
from training.intent.metrics import (
    ClassFigures,
    auroc,
    by_class,
    confusion,
    expected_calibration_error,
    f1_by_class,
    macro_f1,
    reliability,
)
from training.intent.rows import UNKNOWN

TRUTH = np.array([0, 0, 0, 1, 1, 2])
SAID = np.array([0, 0, 1, 1, 2, 2])


def test_confusion_has_the_truth_in_rows() -> None:
    assert confusion(TRUTH, SAID, 3).tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]


def test_f1() -> None:
    # 2TP / (2TP + FP + FN): 4 / 5, 2 / 4, 2 / 3.
    assert f1_by_class(TRUTH, SAID, 3) == pytest.approx([0.8, 0.5, 2 / 3])
    assert macro_f1(TRUTH, SAID, 3) == pytest.approx((0.8 + 0.5 + 2 / 3) / 3)


def test_a_class_that_neither_occurs_nor_is_said_does_not_count() -> None:
    assert macro_f1(TRUTH, SAID, 4) == macro_f1(TRUTH, SAID, 3)


def test_calibration_error() -> None:
    # Two bins of two: confidence .9 with half right is a gap of .4, confidence .6 with all right one of .4.
    confidence, correct = np.array([0.9, 0.9, 0.6, 0.6]), np.array([True, False, True, True])
    assert expected_calibration_error(confidence, correct, bins=10) == pytest.approx(0.4)
    assert expected_calibration_error(np.array([1.0, 1.0]), np.array([True, True])) == 0.0


def test_bins_without_rows_are_left_out() -> None:
    found = reliability(np.array([0.95, 0.91, 0.62, 1.0]), np.array([True, False, True, True]), bins=10)
    assert [(each.rows, each.accuracy) for each in found] == [(1, 1.0), (3, pytest.approx(2 / 3))]
    assert [each.confidence for each in found] == pytest.approx([0.62, (0.95 + 0.91 + 1.0) / 3])


def test_a_class_that_is_never_said_has_no_precision_and_one_that_never_occurs_no_recall() -> None:
    found = by_class(np.array([0, 0, 1]), np.array([0, 2, 0]), ("a", "b", "c", "d"))
    assert found == {
        "a": ClassFigures(2, 0.5, 0.5, 0.5),
        "b": ClassFigures(1, None, 0.0, 0.0),
        "c": ClassFigures(0, 0.0, None, 0.0),
    }


def test_auroc_counts_ties_half() -> None:
    # Pairs: 3 > 1, 3 > 2, 2 > 1 and the tie 2 = 2.
    assert auroc(np.array([3.0, 2.0]), np.array([1.0, 2.0])) == pytest.approx(3.5 / 4)


def test_figures_leave_out_rows_that_say_nothing() -> None:
    logits = np.array([[9.0, 0.0], [0.0, 9.0], [9.0, 0.0], [5.0, 5.0]])
    found = figures(logits, np.array([0, 1, 1, UNKNOWN]), ("a", "b"), 1.0)
    assert (found.rows, found.classes, found.confusion) == (3, ("a", "b"), [[1, 0], [1, 1]])
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.accuracy_interval[0] <= found.accuracy <= found.accuracy_interval[1]


def test_purchase_is_judged_by_how_buy_stands_above_the_other() -> None:
    logits = np.array([[2.0, 0.0], [1.0, 0.0], [0.0, 3.0], [0.0, 1.5]])
    assert purchase_auc(logits, np.array([0, 1, 1, 1]), ("buy", "not_buy")) == 1.0
    assert purchase_auc(logits, np.array([1, 0, 1, 1]), ("buy", "not_buy")) == pytest.approx(2 / 3)
    assert purchase_auc(logits, np.array([1, 1, 1, 1]), ("buy", "not_buy")) is None


def test_scope_takes_strangers_from_the_class_and_from_elsewhere() -> None:
    classes = ("a", "out_of_scope")
    scores, truth = np.array([4.0, 3.0, -4.0]), np.array([0, 0, 1])
    assert scope_auroc(scores, truth, classes) == 1.0
    assert scope_auroc(scores, truth, classes, np.array([9.0])) == pytest.approx(0.5)
    assert scope_auroc(scores[:2], truth[:2], classes) is None
