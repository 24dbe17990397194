"""The ranking of the knowledge base is fitted to questions; its threshold to probabilities of questions that it was not fitted to."""

from pathlib import Path

import pytest

from services.intent.assist.knowledge.index import Indexed
from training.knowledge import fitting
from training.knowledge.judging import ask, build, figures
from training.knowledge.questions import Corpus, Question, UnusableQuestions, read_corpus, read_questions

DATA = Path(__file__).parents[2] / "data" / "knowledge"
SUBJECTS = [f"{first}{second}" for first in "abcdef" for second in "ghijk"]
CORPUS = Corpus(SUBJECTS, [Indexed(("d", n), f"zz{word}", "filler words", "en") for n, word in enumerate(SUBJECTS)])


def questions(answered: int) -> list[Question]:
    """The first ones have their subject's word, the others a common one."""
    found = [Question(f"zz{word} please", word, "en", "dev") for word in SUBJECTS[:answered]]
    return found + [Question(f"filler {word}", "", "en", "dev") for word in SUBJECTS[answered:]]


def test_what_separates_is_learned_and_the_threshold_lies_between() -> None:
    rankings = fitting.fit(CORPUS, questions(15), None)
    assert set(rankings) == {"lexical"}
    asked = ask(build(CORPUS, rankings, None), CORPUS, questions(15), None)
    found = figures(asked, rankings["lexical"].threshold)
    assert [found[name]["value"] for name in ("recall_at_1", "answered", "wrongly_answered")] == [1.0, 1.0, 0.0]
    assert 0.0 < rankings["lexical"].threshold < 1.0


def test_a_question_that_finds_no_candidate_is_no_answer() -> None:
    lost = [Question("unheard-of", SUBJECTS[0], "en", "dev"), Question("never", "", "en", "dev")]
    rankings = fitting.fit(CORPUS, [*questions(15), *lost], None)
    judged = ask(build(CORPUS, rankings, None), CORPUS, lost, None)
    assert [(each.answerable, each.rank, each.probability) for each in judged] == [(True, 0, 0.0), (False, 0, 0.0)]


def test_questions_come_from_several_files() -> None:
    files = [DATA / "questions.csv", DATA / "dev_questions.csv"]
    assert len(read_questions(files, "dev")) == sum(len(read_questions([file], "dev")) for file in files)
    with pytest.raises(UnusableQuestions, match=r"dev_questions\.csv: the half .test. needs questions with"):
        read_questions([DATA / "dev_questions.csv"], "test")


def test_every_question_of_the_second_file_is_answered_by_a_passage_or_by_none() -> None:
    documents = ("help.zh.md", "help.en.md", "faq.csv", "second.zh.md", "second.en.md")
    names = list(read_corpus([DATA / name for name in documents]).names)
    asked = read_questions([DATA / "dev_questions.csv"], None)
    assert {each.half for each in asked} == {"dev"}
    assert {each.answer for each in asked} - set(names) == {""}
    assert len({each.text for each in asked}) == len(asked)
    assert len(set(names)) == len(names)
