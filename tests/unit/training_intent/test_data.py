"""The data of our own: as many as said, half of each language, the labels of the list, and no text on both sides of a split."""

from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest

from services.intent.labels import LABELS
from training.intent.duplicates import DATA, NEAR, TEST, TRAIN, VALIDATION, clean, core, nearest, read, unseen

UTTERANCES_TRAIN = tuple(name for name in TRAIN if name.startswith("train"))
UTTERANCES_VALIDATION = tuple(name for name in VALIDATION if name.startswith("validation"))
UTTERANCES = (*UTTERANCES_TRAIN, *UTTERANCES_VALIDATION, "test.csv")
OPINIONS = tuple(name for name in (*TRAIN, *VALIDATION, *TEST) if name.startswith("opinion"))
TOPICS = {"regulation", "product", "service", "claims", "fees", "fraud_security", "market", "company", "macro"} | {
    "technology",
    "other",
}


def rows(*names: str) -> list[dict[str, str]]:
    return [row for name in names for row in read(DATA / name)]


def test_there_are_six_thousand_distinct_utterances_half_of_each_language() -> None:
    found = rows(*UTTERANCES)
    assert len({core(row["text"]) for row in found}) >= 6_000
    languages = Counter(row["lang"] for row in found)
    assert languages.keys() == {"zh", "en"}
    assert abs(languages["zh"] - languages["en"]) <= 0.02 * len(found)


def test_the_test_split_has_twelve_hundred_half_of_each_language() -> None:
    languages = Counter(row["lang"] for row in rows("test.csv"))
    assert languages["zh"] == languages["en"] >= 600


@pytest.mark.parametrize("names", [UTTERANCES_TRAIN, *[(name,) for name in (*UTTERANCES_VALIDATION, "test.csv")]])
def test_the_labels_are_exactly_the_list(names: tuple[str, ...]) -> None:
    found = rows(*names)
    assert {row["label"] for row in found} == set(LABELS)
    assert {row["sentiment"] for row in found} == {"negative", "neutral", "positive"}
    assert {row["purchase"] for row in found} == {"buy", "not_buy"}


@pytest.mark.parametrize("name", OPINIONS)
def test_opinions_carry_every_topic_and_sentiment(name: str) -> None:
    found = rows(name)
    assert {row["topic"] for row in found} == TOPICS
    assert {row["sentiment"] for row in found} == {"negative", "neutral", "positive"}


def test_there_are_fifteen_hundred_opinions() -> None:
    assert len({core(row["text"]) for row in rows(*OPINIONS)}) >= 1_500


@pytest.mark.parametrize(("seen", "judged"), [(TRAIN, TEST), (VALIDATION, TEST), (TRAIN, VALIDATION)])
def test_no_row_is_nearly_one_that_it_is_judged_by(seen: tuple[str, ...], judged: tuple[str, ...]) -> None:
    left, right = ([row["text"] for row in rows(*names)] for names in (seen, judged))
    assert nearest(left, right).max() < NEAR
    assert not {core(text) for text in left} & {core(text) for text in right}


@pytest.mark.parametrize(("one", "other"), list(combinations(VALIDATION, 2)))
def test_no_two_validation_files_have_nearly_the_same_row(one: str, other: str) -> None:
    assert nearest(*([row["text"] for row in rows(name)] for name in (one, other))).max() < NEAR


def test_similarity_by_hand() -> None:
    # ^abcd$ has the trigrams ^ab abc bcd cd$, ^abce$ shares the first two of them: 2 of 6.
    assert nearest(["abcd", "A, b C-D!", "xyz"], ["abce", "abcd"]).tolist() == [1.0, 1.0, 0.0]
    assert nearest(["abcd"], ["abce"]).tolist() == [pytest.approx(2 / 6)]


def test_what_is_seen_before_is_left_out() -> None:
    texts = ["怎么退款？", "怎么退款", "退款要多久", "how do i get my money back"]
    kept = unseen([{"text": text} for text in texts], ["How do I get my money back?!"], set())
    assert [row["text"] for row in kept] == ["怎么退款？", "退款要多久"]


def test_cleaning_again_removes_nothing_and_never_touches_the_tests(tmp_path: Path) -> None:
    for name in (*TRAIN, *VALIDATION, *TEST):
        (tmp_path / name).write_bytes((DATA / name).read_bytes())
    copy = read(DATA / "test.csv")[0]
    with (tmp_path / "train_1.csv").open("a", encoding="utf-8") as file:
        file.write(f'"{copy["text"]}",greeting,zh,neutral,not_buy\n')
    assert {name: lost for name, lost in clean(tmp_path).items() if lost} == {"train_1.csv": 1}
    assert (tmp_path / "train_1.csv").read_bytes() == (DATA / "train_1.csv").read_bytes()
    assert (tmp_path / "test.csv").read_bytes() == (DATA / "test.csv").read_bytes()
