"""Files that `kuajie evaluate knowledge` cannot use are named with the reason, before any model is opened."""

from pathlib import Path

import pytest

from training.knowledge.evaluation import evaluate
from training.knowledge.questions import UnusableQuestions

HELP = "# 帮助\n## 怎么退款\n七天内可以退。\n"
QUESTIONS = "text,answer,lang,half\n退款,怎么退款,zh,dev\n天气,,zh,dev\n"
NOT_UTF_8 = "not UTF-8; save it as UTF-8 (in Excel: CSV UTF-8)"


def refused(folder: Path, *, content: bytes, questions: bytes, half: str | None = None) -> str:
    (folder / "help.md").write_bytes(content)
    (folder / "questions.csv").write_bytes(questions)
    with pytest.raises(UnusableQuestions) as error:
        evaluate(
            [folder / "help.md"],
            [folder / "questions.csv"],
            model=folder / "absent",
            half=half,
            ranking=None,
            fit_to=None,
        )
    return str(error.value).removeprefix(f"{folder}/")


@pytest.mark.parametrize(
    ("questions", "reason"),
    [
        (QUESTIONS.encode("gbk"), NOT_UTF_8),
        (
            QUESTIONS.replace(",", ";").encode(),
            "needs the columns text, answer, lang, half (found: 'text;answer;lang;half')",
        ),
        (b"", "needs the columns text, answer, lang, half (found: none)"),
        (QUESTIONS.replace("zh,dev", "cn,dev").encode(), "row 2 has the lang 'cn': it is zh or en"),
        (b"text,answer,lang,half\nhello\n", "row 2 has the lang '': it is zh or en"),
        (
            f"{QUESTIONS}退款, 多久,,zh,dev\n".encode(),
            "row 4 has more cells than columns: a text with a comma needs quotes",
        ),
        (f'{QUESTIONS}"open,,zh,dev\n'.encode(), "row 4: a quote is opened and never closed"),
        (
            QUESTIONS.replace("怎么退款", "怎样退款").encode(),
            "no passage is under '怎样退款', where a question has its answer",
        ),
        (
            QUESTIONS.replace("天气,,zh", "退钱,怎么退款,zh").encode(),
            "needs questions with an answer and questions without one",
        ),
    ],
)
def test_questions_that_cannot_be_used_are_named(tmp_path: Path, questions: bytes, reason: str) -> None:
    assert refused(tmp_path, content=HELP.encode(), questions=questions) == f"questions.csv: {reason}"


def test_a_half_that_no_question_is_of_is_named(tmp_path: Path) -> None:
    reason = "questions.csv: the half 'first' needs questions with an answer and questions without one"
    assert refused(tmp_path, content=HELP.encode(), questions=QUESTIONS.encode(), half="first") == reason


def test_a_document_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path, content=HELP.encode("gbk"), questions=QUESTIONS.encode()) == f"help.md: {NOT_UTF_8}"


def test_a_document_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableQuestions, match=r"absent\.md: No such file or directory$"):
        evaluate([tmp_path / "absent.md"], tmp_path, model=None, half=None, ranking=None, fit_to=None)
