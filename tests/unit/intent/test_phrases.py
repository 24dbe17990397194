"""Longest match in two scripts, and negation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intent.lexical.phrases import PhraseBook, negated, normalise

BOOK = PhraseBook(
    {
        "保险": ["insurance"],
        "重疾险": ["critical", "insurance"],
        "退保": ["cancel"],
        "保": ["cover"],
        "insurance": ["insurance"],
        "travel insurance": ["travel"],
        "refund*": ["refund"],
        "term": ["term"],
        "不": ["negator"],
        "有没有": ["question"],
        "没有": ["negator"],
        "not": ["negator"],
    }
)


def spoken(text: str) -> list[tuple[str, ...]]:
    return [match.concepts for match in BOOK.matches(normalise(text))]


def test_the_longest_phrase_wins_over_its_parts() -> None:
    assert spoken("我要退保") == [("cancel",)]
    assert spoken("买travel  INSURANCE吧") == [("travel",)]


def test_the_shorter_phrase_is_found_where_the_longer_one_breaks_off() -> None:
    assert spoken("travel guide and insurance") == [("insurance",)]
    assert spoken("保证") == [("cover",)]


def test_english_phrases_match_whole_words_only() -> None:
    assert spoken("determine the terms") == []
    assert spoken("a 20 year term") == [("term",)]


def test_a_star_lets_the_last_word_go_on() -> None:
    assert spoken("was i refunded? refunds?") == [("refund",), ("refund",)]
    assert spoken("nonrefundable") == []


def test_english_next_to_chinese_needs_no_space() -> None:
    assert spoken("想要refund谢谢") == [("refund",)]


def test_full_width_letters_and_curly_apostrophes_are_folded() -> None:
    assert normalise("Ｄｏｎ’t　ＢＵＹ") == "dont buy"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("不要保险", True),
        ("不，保险", False),
        ("不太想看那个保险", False),
        ("not an insurance", True),
        ("not. insurance", False),
    ],
)
def test_a_negator_reaches_two_units_and_stops_at_punctuation(text: str, expected: bool) -> None:
    matches = BOOK.matches(text)
    negators = [match for match in matches if "negator" in match.concepts]
    [target] = [match for match in matches if "insurance" in match.concepts]
    assert negated(text, target, negators, reach=2) is expected


def test_a_question_that_holds_a_negator_is_none() -> None:
    assert spoken("有没有保险") == [("question",), ("insurance",)]


@given(st.text(max_size=200))
def test_matches_never_overlap_and_lie_inside_the_text(text: str) -> None:
    folded = normalise(text)
    end = 0
    for match in BOOK.matches(folded):
        assert end <= match.start < match.end <= len(folded)
        end = match.end
