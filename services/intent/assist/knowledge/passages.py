"""Documents cut into passages: Markdown by its headings, CSV by its rows. Pure."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from services.intent.assist.words import language
from services.kit.wire import Locale

Format = Literal["markdown", "csv"]
LONGEST = {"zh-CN": 360, "en": 900}
"""Characters of a passage: about what an encoder reads at once, and what fits into a chat."""

MOST_PASSAGES = 2_000
_LONGEST_CELL = 5_000
_COLUMNS = frozenset({"question", "answer", "locale", "url", "tags"})
_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$")
_FENCE = re.compile(r"^\s*(?:```|~~~)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_MARKS = re.compile(r"(?<![\w*])(\*\*|__|\*|`)(?=\S)(.+?)(?<=\S)\1(?![\w*])")
_BREAKS = re.compile(r"(?<=[。！？；])|(?<=[.!?;])\s+|\n+")


class UnreadableDocument(Exception):
    """The content is not of its format; the message says where."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document. `section` is the way of headings to it, "" at the top; `question` is there in CSV rows alone."""

    section: str
    question: str | None
    text: str
    locale: Locale
    url: str | None = None
    tags: tuple[str, ...] = ()


def passages_of(content: str, form: Format, locale: Locale, url: str | None = None) -> list[Passage]:
    """The passages in their order. Raises `UnreadableDocument` for a document without any, or with too many."""
    found = list(_rows(content, locale, url) if form == "csv" else _sections(content, url))
    if not found:
        raise UnreadableDocument("the document holds no text")
    if len(found) > MOST_PASSAGES:
        raise UnreadableDocument(f"{len(found)} passages, a document may have {MOST_PASSAGES}: divide it")
    return found


def _sections(content: str, url: str | None) -> Iterator[Passage]:
    path: list[tuple[int, str]] = []
    lines: list[str] = []
    fenced = False
    for line in _COMMENT.sub("", _FRONT_MATTER.sub("", content)).splitlines():
        fenced ^= bool(_FENCE.match(line))
        heading = None if fenced else _HEADING.match(line)
        if heading is None:
            lines.append(line)
            continue
        yield from _pieces(path, lines, url)
        lines = []
        path = [*(each for each in path if each[0] < len(heading[1])), (len(heading[1]), plain(heading[2]))]
    yield from _pieces(path, lines, url)


def _pieces(path: Sequence[tuple[int, str]], lines: Sequence[str], url: str | None) -> Iterator[Passage]:
    """One section, divided between sentences where it is too long."""
    text = plain("\n".join(line for line in lines if not _FENCE.match(line)))
    if not text:
        return
    section = " › ".join(title for _, title in path)
    locale = language(text, "en")
    for piece in divided(text, LONGEST[locale]):
        yield Passage(section, None, piece, locale, url)


def plain(text: str) -> str:
    """Markdown without its marks: links by their words, no images."""
    bare = _LINK.sub(r"\1", _IMAGE.sub("", text))
    for _ in range(2):
        bare = _MARKS.sub(r"\2", bare)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in bare.splitlines())).strip()


def divided(text: str, longest: int) -> list[str]:
    """Pieces of at most `longest` characters, cut behind sentences, within a sentence only when it is longer than that."""
    if len(text) <= longest:
        return [text]
    pieces, start, last = [], 0, 0
    ends = [match.end() for match in _BREAKS.finditer(text)] + [len(text)]
    for end in ends:
        if end - start > longest and last > start:
            pieces.append(text[start:last])
            start = last
        while end - start > longest:
            pieces.append(text[start : start + longest])
            start += longest
        last = end
    pieces.append(text[start:])
    return [piece.strip() for piece in pieces if piece.strip()]


def _rows(content: str, locale: Locale, url: str | None) -> Iterator[Passage]:
    """Rows of question and answer, with optional locale, url and tags (`|` between them)."""
    reader = csv.DictReader(io.StringIO(content, newline=""), strict=True)
    columns = [name.strip() for name in reader.fieldnames or ()]
    if not {"question", "answer"} <= set(columns) or not set(columns) <= _COLUMNS:
        raise UnreadableDocument("the columns are question, answer and, if wanted, locale, url, tags")
    reader.fieldnames = columns
    try:
        for number, row in enumerate(reader, 1):
            yield _row(number, row, locale, url)
    except csv.Error as error:
        raise UnreadableDocument(f"line {reader.line_num}: {error}") from error


def _row(number: int, row: dict[str, str | None], locale: Locale, url: str | None) -> Passage:
    question, answer = (row["question"] or "").strip(), (row["answer"] or "").strip()
    if None in row or not question or not answer:
        raise UnreadableDocument(f"row {number}: a question and an answer, and nothing behind the last column")
    if len(question) > _LONGEST_CELL or len(answer) > _LONGEST_CELL:
        raise UnreadableDocument(f"row {number}: at most {_LONGEST_CELL} characters in a cell")
    said = (row.get("locale") or "").strip()
    if said not in {"", "zh-CN", "en"}:
        raise UnreadableDocument(f"row {number}: locale is zh-CN or en")
    written: Locale = "en" if said == "en" else "zh-CN" if said == "zh-CN" else language(question + answer, locale)
    tags = tuple(tag.strip() for tag in (row.get("tags") or "").split("|") if tag.strip())
    return Passage("", question, answer, written, (row.get("url") or "").strip() or url, tags)


def heading_of(passage: Passage) -> str:
    """What a passage is about in few words: its question, or the way of headings to it."""
    return passage.question or passage.section


def embedded_text(passage: Passage) -> str:
    """What an encoder is given of a passage: the nearest heading, or the question, before the text."""
    nearest = passage.question or passage.section.rsplit(" › ", 1)[-1]
    return f"{nearest}\n{passage.text}" if nearest else passage.text
