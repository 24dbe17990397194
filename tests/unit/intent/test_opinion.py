"""What a text is about as news or a comment: the word-based stand-in, and what the keyword model makes of it."""

import json
from pathlib import Path

import pytest

from services.intent.lexical.keyword import KeywordModel
from services.intent.lexical.opinion import OpinionWords
from services.intent.lexical.phrases import normalise


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("保险公司拒赔,理赔拖了半年", "claims"),
        ("Scammers sold fake policies to pensioners", "fraud_security"),
        ("监管部门对其立案调查并罚款", "regulation"),
        ("App crashes every time after the update", "technology"),
        ("羽毛球赛今日开赛", "other"),
    ],
)
def test_the_topic_that_most_of_the_words_speak_of(text: str, topic: str) -> None:
    assert OpinionWords().topic(normalise(text))[0] == topic


def test_a_text_without_a_known_word_is_other_with_the_odds_of_a_guess() -> None:
    assert OpinionWords().topic("...") == ("other", 1 / 11)


def test_a_topic_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "opinion.json"
    path.write_text(json.dumps({"weather": {"zh": ["雨"], "en": ["rain"]}}))
    with pytest.raises(ValueError, match="weather"):
        OpinionWords(path)


def test_negative_is_at_least_a_half_exactly_where_the_sentiment_is_negative() -> None:
    model = KeywordModel()
    texts = ["客服态度太差了,垃圾", "很好,推荐", "明天开会", "terrible support", "thank you, great course"]
    answers = model.decode(model.run(model.encode(texts)))
    assert [each.sentiment for each in answers] == ["negative", "positive", "neutral", "negative", "positive"]
    assert [each.opinion.negative >= 0.5 for each in answers] == [True, False, False, True, False]
