"""Each algorithm against what a hand computes."""

import numpy as np
import pytest
import scipy.sparse as sp

from training.recommend.columns import InteractionColumns
from training.recommend.content import TextConfig, category_rows, title_rows, words
from training.recommend.ease import EaseConfig, fit_ease
from training.recommend.histories import Histories, build_histories, index_of
from training.recommend.item_knn import ItemKnnConfig, fit_item_knn
from training.recommend.markov import MarkovConfig, fit_markov
from training.recommend.neighbour_rows import as_sparse, strongest_of_dense, strongest_of_sparse
from training.recommend.popularity import PopularityConfig, fit_popularity

DAY = 86_400.0


def histories_of(*rows: tuple[str, str, float]) -> Histories:
    users, items, moments = zip(*rows, strict=True)
    columns = InteractionColumns(users, items, [moment * DAY for moment in moments])
    return build_histories(columns, index_of(users), index_of(sorted(items)))


def test_ease_equals_the_closed_form_written_out_for_three_items():
    people = sp.csr_matrix(np.array([[1, 1, 0], [1, 1, 0], [0, 1, 1], [1, 0, 1]], np.float32))
    gram = np.array([[3, 2, 1], [2, 3, 1], [1, 1, 2]]) + 0.5 * np.eye(3)
    # The inverse of a symmetric 3 x 3 matrix by cofactors.
    a, b, c, d, e, f = gram[0, 0], gram[0, 1], gram[0, 2], gram[1, 1], gram[1, 2], gram[2, 2]
    p = np.array(
        [
            [d * f - e * e, c * e - b * f, b * e - c * d],
            [c * e - b * f, a * f - c * c, b * c - a * e],
            [b * e - c * d, b * c - a * e, a * d - b * b],
        ]
    )
    expected = -p / np.diag(p)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(fit_ease(people, EaseConfig(0.5)), expected, rtol=1e-5)


def test_ease_refuses_a_gram_matrix_that_cannot_be_inverted():
    twins = sp.csr_matrix(np.array([[1, 1], [1, 1]], np.float32))
    with pytest.raises(np.linalg.LinAlgError):
        fit_ease(twins, EaseConfig(-3.0))


def test_item_knn_is_the_shrunk_cosine_without_the_item_itself():
    people = sp.csr_matrix(np.array([[1, 1, 0], [1, 1, 0], [1, 0, 1]], np.float32))
    found = fit_item_knn(people, ItemKnnConfig(shrinkage=2.0)).toarray()
    first = 2 / (np.sqrt(3 * 2) + 2)
    second = 1 / (np.sqrt(3 * 1) + 2)
    np.testing.assert_allclose(found, [[0, first, second], [first, 0, 0], [second, 0, 0]], rtol=1e-6)


def test_a_transition_goes_forward_only_and_counts_half_over_one_other_item():
    past = histories_of(("u", "a", 1), ("u", "b", 2), ("u", "c", 3))
    found = fit_markov(past, MarkovConfig(shrinkage=1.0)).toarray()
    np.testing.assert_allclose(found, [[0, 0.5, 0.25], [0, 0, 0.5], [0, 0, 0]], rtol=1e-6)


def test_of_two_items_of_one_moment_neither_came_first():
    past = histories_of(("u", "a", 1), ("u", "b", 1))
    found = fit_markov(past, MarkovConfig(shrinkage=1.0)).toarray()
    np.testing.assert_allclose(found, [[0, 0.25], [0.25, 0]], rtol=1e-6)


def test_a_trend_knows_only_complete_periods_before_it_and_halves_with_its_half_life():
    past = histories_of(("u", "a", 0), ("v", "a", 8), ("w", "b", 15))
    found = fit_popularity(past, PopularityConfig(half_lives_days=(7.0,)))
    ever, trend = (np.expm1(part) for part in found.features)
    np.testing.assert_allclose(ever, [[2, 1]] * 4, rtol=1e-6)
    np.testing.assert_allclose(trend, [[0, 0], [1, 0], [1.5, 0], [0.75, 1]], rtol=1e-6)


def test_popularity_keeps_a_bounded_number_of_periods_however_long_the_data_is():
    past = histories_of(("u", "a", 0), ("v", "a", 36_500))
    assert len(fit_popularity(past, PopularityConfig(most_periods=160)).features[0]) == 160


def test_one_mistyped_early_moment_does_not_break_the_grid():
    past = histories_of(("u", "a", -20_000), ("v", "a", 17_000), ("w", "b", 17_001))
    found = fit_popularity(past, PopularityConfig())
    assert np.isfinite(found.features[1]).all()


def test_an_item_category_is_worth_less_the_more_items_it_has():
    items, inside = category_rows([["x", "y"], ["x"], []], ["x", "y"])
    np.testing.assert_allclose(as_sparse(items).toarray(), [[3**-0.5, 2**-0.5], [3**-0.5, 0], [0, 0]], rtol=1e-6)
    np.testing.assert_allclose(as_sparse(inside).toarray(), [[1, 1, 0], [1, 0, 0]])


def test_titles_with_the_same_words_are_alike_and_an_empty_title_is_like_none():
    rows = title_rows(["Python for Data", "data python", "Cooking", ""], TextConfig())
    alike = as_sparse(rows).toarray()
    assert alike[0, 1] == pytest.approx(1.0, abs=1e-3)
    assert alike[[2, 3]].sum() == 0
    assert np.diag(alike).sum() == 0


def test_chinese_titles_are_read_in_pairs_of_characters():
    assert words("Python 数据分析 入") == ["python", "数据", "据分", "分析", "入"]


def test_only_the_strongest_positive_entries_of_a_row_are_kept():
    scores = np.array([[0, 3, 1, 2], [0.5, 0, -1, 0], [0, 0, 0, 0]], np.float32)
    expected = [[0, 3, 0, 2], [0.5, 0, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(as_sparse(strongest_of_dense(scores, 2)).toarray(), expected)
    np.testing.assert_array_equal(as_sparse(strongest_of_sparse(sp.csr_matrix(scores), 2)).toarray(), expected)
