"""Questions put together by what they ask."""

import csv
from pathlib import Path

import numpy as np
import pytest

from services.intent.assist.clusters import ALIKE, LONGEST, clusters_of, joined, overlaps
from services.intent.assist.knowledge.bm25 import load_common
from services.intent.assist.knowledge.terms import terms

LABELLED = Path(__file__).parents[2] / "data" / "assist" / "unanswered.csv"


def test_questions_that_ask_the_same_are_one_cluster_with_its_terms_and_masked_examples() -> None:
    questions = [
        "can I cast lessons to my tv",
        "车险你们卖吗",
        "how do I cast to the tv, mail me at a@b.co",
        "cast lessons on tv?",
        "cast lessons on tv?",
    ]
    first, second = clusters_of(questions, load_common(), limit=5)
    assert (first.count, second.count) == (4, 1)
    assert set(first.terms) == {"cast", "lessons", "tv"}
    assert first.representative in first.examples
    assert "how do I cast to the tv, mail me at [email]" in first.examples
    assert second.representative == "车险你们卖吗"


def test_no_questions_are_no_clusters_and_those_without_words_stand_alone() -> None:
    assert clusters_of([], load_common(), limit=5) == []
    assert [each.count for each in clusters_of(["？？", "13812345678", "？？"], load_common(), limit=5)] == [2, 1]


def test_the_phrase_that_brings_a_name_in_and_pieces_of_words_name_no_cluster() -> None:
    questions = ["我叫王小明，课程能投屏吗", "我叫李小红，你们的课程能投屏吗"]
    [cluster] = clusters_of(questions, load_common(), limit=5)
    assert cluster.terms == ("投屏", "课程", "程能")
    assert cluster.representative == "我叫[name]，课程能投屏吗"


def test_long_messages_that_share_a_body_are_read_and_shown_to_their_first_characters() -> None:
    body = "".join(map(chr, range(0x4E00, 0x5500)))
    [cluster] = clusters_of([f"{number} {body}" for number in range(500)], load_common(), limit=5)
    assert cluster.count == 500
    assert {len(text) for text in (cluster.representative, *cluster.examples)} == {LONGEST}


def test_the_overlap_of_a_term_that_many_have_is_that_of_a_rare_one() -> None:
    few = [{"a": 2.0, "b": 1.0}, {"a": 2.0, "c": 3.0}, {}]
    many = overlaps(few * 40)
    assert np.allclose(many[:3, :3], overlaps(few))
    assert np.allclose(overlaps(few), [[1, 2 / 3, 0], [2 / 3, 1, 0], [0, 0, 0]])
    assert (many == many.T).all()


def test_a_chain_that_comes_back_to_itself_ends() -> None:
    """Similarities that rounding left unequal both ways."""
    alike = np.array([[1, 0.5, 0.4], [0.4, 1, 0.5], [0.5, 0.4, 1]], dtype=np.float32)
    assert joined(alike, [1, 1, 1], 0.1) == [[0, 1, 2]]


def test_groups_are_joined_by_the_mean_over_their_members() -> None:
    alike = np.array([[1, 0.8, 0.1, 0], [0.8, 1, 0.4, 0], [0.1, 0.4, 1, 0.3], [0, 0, 0.3, 1]], dtype=np.float32)
    assert joined(alike, [1, 1, 1, 1], 0.26) == [[0, 1], [2, 3]]
    assert joined(alike, [1, 9, 1, 1], 0.35) == [[0, 1, 2], [3]]
    assert joined(alike, [1, 1, 1, 1], 0.9) == [[0], [1], [2], [3]]


@pytest.mark.parametrize(("lang", "f1", "precision"), [("zh", 0.685, 0.87), ("en", 0.667, 0.791)])
def test_how_well_labelled_questions_that_chose_nothing_are_put_together(
    lang: str, f1: float, precision: float
) -> None:
    """B-cubed (Bagga and Baldwin 1998) on the half `test`."""
    with LABELLED.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if (row["half"], row["lang"]) == ("test", lang)]
    asked = {row["text"]: row["cluster"] for row in rows}
    common = load_common()
    weights = [{term: common.weight(term) for term in terms(text)} for text in asked]
    texts = list(asked)
    groups = [[texts[place] for place in group] for group in joined(overlaps(weights), [1] * len(texts), ALIKE)]
    pure = reached = 0.0
    for group in groups:
        for text in group:
            same = sum(asked[other] == asked[text] for other in group)
            pure += same / len(group)
            reached += same / list(asked.values()).count(asked[text])
    found = pure / len(asked), reached / len(asked)
    assert round(found[0], 3) == precision
    assert round(2 * found[0] * found[1] / sum(found), 3) == f1
