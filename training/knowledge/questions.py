"""Documents and questions of an evaluation, as files."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from services.intent.assist.knowledge.index import Indexed
from services.intent.assist.knowledge.passages import Passage, UnreadableDocument, heading_of, passages_of

Vectors = NDArray[np.float32]
Embed = Callable[[Sequence[str], Literal["query", "passage"]], Vectors]
"""Texts and their role to vectors of unit length, (texts, width)."""


class UnusableQuestions(Exception):
    """A file cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Question:
    """`answer` is the last heading, or the question of the CSV row, under which the answer stands; "" where there is none."""

    text: str
    answer: str
    lang: Literal["zh", "en"]
    half: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """The passages of all files, with the name that questions know each of them by."""

    names: Sequence[str]
    passages: Sequence[Indexed]


def read_corpus(paths: Sequence[Path]) -> Corpus:
    """Markdown and CSV documents as the service would cut them. Raises `UnusableQuestions`."""
    names: list[str] = []
    indexed: list[Indexed] = []
    for path in paths:
        for number, passage in enumerate(_passages(path)):
            names.append(_name(passage))
            indexed.append(Indexed((path.name, number), heading_of(passage), passage.text, passage.locale))
    return Corpus(names, indexed)


def read_questions(paths: Sequence[Path], half: str | None) -> list[Question]:
    """Rows of text, answer, lang and half. Raises `UnusableQuestions`."""
    chosen = [row for path in paths for row in _rows(path) if half in {None, row.half}]
    if not any(row.answer for row in chosen) or all(row.answer for row in chosen):
        raise UnusableQuestions(
            f"{', '.join(map(str, paths))}: needs questions with an answer and questions without one"
        )
    return chosen


def _rows(path: Path) -> list[Question]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [Question(row["text"], row["answer"], row["lang"], row["half"]) for row in csv.DictReader(file)]  # type: ignore[arg-type]
    except (OSError, KeyError, csv.Error, UnicodeDecodeError) as error:
        raise UnusableQuestions(f"{path}: needs the columns text, answer, lang, half ({error})") from error


def _passages(path: Path) -> list[Passage]:
    try:
        content = path.read_text(encoding="utf-8-sig")
        return passages_of(content, "csv" if path.suffix.lower() == ".csv" else "markdown", "zh-CN")
    except (OSError, UnicodeDecodeError, UnreadableDocument) as error:
        raise UnusableQuestions(f"{path}: {error}") from error


def _name(passage: Passage) -> str:
    return passage.question or passage.section.split(" › ")[-1]
