"""The keyword model: what it knows, what it admits not to know, and how often it is right."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intent.labels import LABELS, TOPICS
from services.intent.lexical.keyword import KeywordModel
from services.intent.lexical.lexicon import SHIPPED, CorruptLexicon, load_lexicon
from services.intent.model import Understanding

DATA = Path(__file__).resolve().parents[2] / "data"
MODEL = KeywordModel()


def understand(*texts: str) -> Sequence[Understanding]:
    return MODEL.decode(MODEL.run(MODEL.encode(texts)))


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def accuracy(utterances: Sequence[dict[str, str]]) -> float:
    answers = understand(*(row["text"] for row in utterances))
    return sum(a.label == row["label"] for a, row in zip(answers, utterances, strict=True)) / len(utterances)


def test_every_label_is_known_in_both_languages() -> None:
    found = {(a.label, row["text"].isascii()) for row in rows("intent_dev.csv") for a in understand(row["text"])}
    assert found == {(label, ascii_only) for label in LABELS for ascii_only in (True, False)}


@pytest.mark.parametrize("english", [True, False])
def test_accuracy_on_the_utterances_it_was_written_with(english: bool) -> None:
    utterances = [row for row in rows("intent_dev.csv") if row["text"].isascii() is english]
    assert len(utterances) >= 200
    assert accuracy(utterances) >= 0.97


@pytest.mark.parametrize("english", [True, False])
def test_accuracy_on_utterances_it_has_never_seen(english: bool) -> None:
    utterances = [row for row in rows("intent_held_out.csv") if row["text"].isascii() is english]
    assert len(utterances) == 60
    assert accuracy(utterances) >= 0.68


def test_the_label_sets_of_the_data_are_complete_and_balanced() -> None:
    for name, each in (("intent_dev.csv", 14), ("intent_held_out.csv", 4)):
        labels = [row["label"] for row in rows(name)]
        assert {label: labels.count(label) for label in LABELS} == dict.fromkeys(LABELS, each)


def test_unseen_utterances_are_not_among_those_it_was_written_with() -> None:
    assert not {row["text"] for row in rows("intent_dev.csv")} & {row["text"] for row in rows("intent_held_out.csv")}


def test_what_says_nothing_is_out_of_scope_with_little_confidence() -> None:
    [answer] = understand("asdf qwer")
    assert (answer.label, answer.in_scope, answer.topics) == ("out_of_scope", False, ())
    assert answer.confidence < 0.1
    assert answer.purchase < 0.2


def test_something_else_is_out_of_scope_with_confidence() -> None:
    [answer] = understand("明天天气怎么样，给我讲个笑话")
    assert (answer.label, answer.in_scope) == ("out_of_scope", False)
    assert answer.confidence > 0.9


def test_more_evidence_gives_more_confidence() -> None:
    vague, clear = understand("保险", "我想买一份重疾险")
    assert (vague.label, clear.label) == ("insurance.learn", "insurance.buy")
    assert vague.confidence < 0.2
    assert clear.confidence > 0.9


def test_a_declined_purchase_is_no_purchase() -> None:
    wants, declines = understand("我想买保险", "我不想买保险")
    assert wants.label == "insurance.buy"
    assert declines.label != "insurance.buy"
    assert declines.purchase < 0.1
    assert wants.purchase > 0.9


@pytest.mark.parametrize(
    ("text", "sentiment"),
    [
        ("老师讲得很好", "positive"),
        ("讲得不好", "negative"),
        ("this is not helpful", "negative"),
        ("really helpful", "positive"),
        ("这门课多少钱", "neutral"),
    ],
)
def test_sentiment_heeds_negation(text: str, sentiment: str) -> None:
    assert understand(text)[0].sentiment == sentiment


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("重疾险和医疗险有什么区别", ("critical-illness", "medical")),
        ("buy travel insurance", ("travel",)),
        ("想学python", ("tech",)),
        ("手机碎屏险", ("device",)),
        ("可以分期吗", ("instalment",)),
        ("你好", ()),
    ],
)
def test_topics_are_catalogue_and_product_categories(text: str, topics: tuple[str, ...]) -> None:
    assert understand(text)[0].topics == topics


def test_an_answer_does_not_depend_on_the_company_it_is_in() -> None:
    texts = [row["text"] for row in rows("intent_held_out.csv")]
    assert list(understand(*texts)) == [understand(text)[0] for text in texts]


@given(st.text(max_size=300))
def test_any_text_gets_a_well_formed_answer(text: str) -> None:
    [answer] = understand(text)
    assert answer.label in LABELS
    assert 0 < answer.confidence <= 1
    assert 0 <= answer.purchase <= 1
    assert set(answer.topics) <= set(TOPICS)
    assert answer.in_scope == (answer.label != "out_of_scope")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("rules", "insurance.buy"), [{"all": ["nowhere"], "weight": 1}], "nowhere"),
        (("rules", "no.such.label"), [{"all": ["buy"], "weight": 1}], "no.such.label"),
        (("negatable",), ["nowhere"], "nowhere"),
        (("concepts", "loan"), {"zh": ["贷款"], "topic": "cars"}, "cars"),
        (("sentiment",), {}, "positive"),
    ],
)
def test_a_lexicon_that_speaks_of_unknown_names_is_refused(
    tmp_path: Path, path: tuple[str, ...], value: object, message: str
) -> None:
    document = json.loads(SHIPPED.read_text(encoding="utf-8"))
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    edited = tmp_path / "keywords.json"
    edited.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(CorruptLexicon, match=message):
        load_lexicon(edited)


def test_a_file_that_is_no_json_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "keywords.json"
    broken.write_bytes(b'{"version": \xff')
    with pytest.raises(CorruptLexicon, match=r"keywords\.json"):
        load_lexicon(broken)


def test_any_edit_of_the_lexicon_changes_the_version(tmp_path: Path) -> None:
    edited = tmp_path / "keywords.json"
    edited.write_bytes(SHIPPED.read_bytes().replace(b'"weight": 4.0', b'"weight": 4.1', 1))
    assert load_lexicon(edited).version != load_lexicon().version
