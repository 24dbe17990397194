"""Documents and questions of an evaluation, as files."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from services.intent.assist.knowledge.index import Indexed
from services.intent.assist.knowledge.passages import Passage, UnreadableDocument, heading_of, passages_of
from services.kit.spreadsheet import UnreadableRow, readable

Vectors = NDArray[np.float32]
Embed = Callable[[Sequence[str], Literal["query", "passage"]], Vectors]
"""Texts and their role to vectors of unit length, (texts, width)."""

_COLUMNS = frozenset({"text", "answer", "lang", "half"})


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
        part = f"the half {half!r} " if half else ""
        raise UnusableQuestions(f"{files_of(paths)}: {part}needs questions with an answer and questions without one")
    return chosen


def files_of(paths: Sequence[Path]) -> str:
    """As an error names them."""
    return ", ".join(map(str, paths))


def _rows(path: Path) -> list[Question]:
    with _usable(path), path.open(encoding="utf-8-sig", newline="") as file:
        rows = readable(file)
        _, names = next(rows, (1, []))
        if not _COLUMNS.issubset(names):
            found = ", ".join(map(repr, names)) or "none"
            raise UnusableQuestions(f"{path}: needs the columns text, answer, lang, half (found: {found})")
        return [_question(path, number, names, cells) for number, cells in rows if any(cells)]


def _question(path: Path, number: int, names: Sequence[str], cells: Sequence[str]) -> Question:
    if len(cells) > len(names):
        raise UnusableQuestions(f"{path}: row {number} has more cells than columns: a text with a comma needs quotes")
    row = dict(zip_longest(names, cells, fillvalue=""))
    if (lang := row["lang"]) not in {"zh", "en"}:
        raise UnusableQuestions(f"{path}: row {number} has the lang {lang!r}: it is zh or en")
    return Question(row["text"], row["answer"], "zh" if lang == "zh" else "en", row["half"])


@contextmanager
def _usable(path: Path) -> Iterator[None]:
    """Raises `UnusableQuestions` where the file cannot be read or is not of its format."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise UnusableQuestions(f"{path}: not UTF-8; save it as UTF-8 (in Excel: CSV UTF-8)") from error
    except OSError as error:
        raise UnusableQuestions(f"{path}: {error.strerror or error}") from error
    except (UnreadableRow, UnreadableDocument) as error:
        raise UnusableQuestions(f"{path}: {error}") from error


def _passages(path: Path) -> list[Passage]:
    with _usable(path):
        content = path.read_text(encoding="utf-8-sig")
        return passages_of(content, "csv" if path.suffix.lower() == ".csv" else "markdown", "zh-CN")


def _name(passage: Passage) -> str:
    return passage.question or passage.section.split(" › ")[-1]
