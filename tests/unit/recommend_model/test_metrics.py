"""NDCG and its companions by hand, and the fit of the blend's weights."""

import math

import numpy as np
import pytest

from training.recommend.batch import top_items
from training.recommend.blending import BlendingConfig, Candidates, fit_weights
from training.recommend.metrics import interval, person_metrics


def test_ndcg_divides_by_an_ideal_list_that_is_cut_at_k():
    hit = np.array([[False, True, False], [True, False, True], [False, False, False]])
    found = person_metrics(hit, np.array([1, 5, 2]), 3)
    second, third = 1 / math.log2(3), 1 / math.log2(4)
    assert found.ndcg.tolist() == pytest.approx([second, (1 + third) / (1 + second + third), 0.0])
    assert found.recall.tolist() == pytest.approx([1.0, 0.4, 0.0])
    assert found.reciprocal_rank.tolist() == pytest.approx([0.5, 1.0, 0.0])


def test_a_perfect_list_scores_one_however_many_items_are_relevant():
    assert person_metrics(np.ones((3, 4), bool), np.array([4, 9, 100]), 4).ndcg.tolist() == [1.0, 1.0, 1.0]


def test_of_equal_scores_the_first_column_comes_first():
    scores = np.array([[1, 3, 3, 0], [2, 2, 2, 2]], np.float32)
    assert top_items(scores, 3).tolist()[0] == [1, 2, 0]


def test_an_interval_holds_its_mean_and_is_the_same_for_the_same_seed():
    values = np.random.default_rng(0).random(400)
    found = interval(values, seed=5)
    assert found.low < found.mean < found.high
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.15)
    assert interval(values, seed=5) == found


def one_person_each(features: np.ndarray, taken: np.ndarray) -> Candidates:
    people, rows, width = features.shape
    start = np.arange(people + 1) * rows
    return Candidates(start, features.reshape(-1, width).astype(np.float32), taken.reshape(-1))


def test_the_weights_that_people_chose_by_are_found_again():
    rng = np.random.default_rng(0)
    features = rng.random((4_000, 8, 3))
    utility = features @ np.array([4.0, 0.0, -2.0]) + rng.gumbel(size=(4_000, 8))
    taken = utility == utility.max(axis=1, keepdims=True)
    free = np.array([False, False, True])
    found = fit_weights(one_person_each(features, taken), np.zeros(3), ~free, BlendingConfig(trust=0.0))
    assert found == pytest.approx([4.0, 0.0, -2.0], abs=0.25)


def test_evidence_that_speaks_against_an_item_gets_no_weight():
    rng = np.random.default_rng(0)
    features = rng.random((500, 5, 1))
    taken = features[:, :, 0] == features[:, :, 0].min(axis=1, keepdims=True)
    found = fit_weights(one_person_each(features, taken), np.ones(1), np.array([True]), BlendingConfig())
    assert found.tolist() == [0.0]


def test_without_a_taken_candidate_the_weights_stay():
    features = np.ones((2, 3, 2))
    found = fit_weights(
        one_person_each(features, np.zeros((2, 3), bool)),
        np.array([1.0, 2.0]),
        np.array([True, True]),
        BlendingConfig(),
    )
    assert found.tolist() == [1.0, 2.0]
