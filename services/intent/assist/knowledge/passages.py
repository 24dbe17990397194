"""Documents cut into passages: Markdown by its headings, CSV by its rows. Pure."""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

from services.intent.assist.knowledge.hypertext import without_html
from services.intent.assist.reading import language
from services.kit.headings import marked_heading
from services.kit.spreadsheet import UnreadableRow, readable
from services.kit.wire import Locale

Format = Literal["markdown", "csv"]
LONGEST = {"zh-CN": 360, "en": 900}
"""Characters of a passage: about what an encoder reads at once, and what fits into a chat."""

MOST_PASSAGES = 2_000
_LONGEST_CELL = 5_000
_COLUMNS = frozenset({"question", "answer", "locale", "url", "tags"})
_UNDERLINE = re.compile(r"^ {0,3}(?:(=+)|-{3,})\s*$")
_FENCE = re.compile(r"^\s*(?:```[^`]*$|~~~)")
_LINK_TO = re.compile(r"https?://[^\s<>\"]{1,2000}", re.IGNORECASE)
_TITLE_LINE = re.compile(r"^ {0,3}(?![-*+>|#] |\d+[.)] |[-*_=|>` ]+$)\S")
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_TARGET = r"\((?:[^()\n]|\([^()\n]*\))*+\)"
_IMAGE = re.compile(rf"!\[[^\[\]]*\]{_TARGET}")
_LINK = re.compile(rf"\[([^\[\]]+)\]{_TARGET}")
_MARKS = re.compile(
    r"(?<![\w*])(?:\*\*(?=\S)((?:[^*\n]|\*(?!\*))++)(?<=\S)\*\*|__(?=\S)((?:[^_\n]|_(?!_))++)(?<=\S)__"
    r"|\*(?=\S)([^*\n]++)(?<=\S)\*|`(?=\S)([^`\n]++)(?<=\S)`)(?![\w*])"
)
"""No mark is sought behind the next one of its kind, so that a long text costs no more than its length."""
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
    content = content.removeprefix("\ufeff")
    try:
        found = list(_rows(content, locale, url) if form == "csv" else _sections(content, url))
    except UnreadableRow as error:
        raise UnreadableDocument(str(error)) from error
    if not found:
        raise UnreadableDocument("the document holds no text")
    if len(found) > MOST_PASSAGES:
        raise UnreadableDocument(f"{len(found)} passages, a document may have {MOST_PASSAGES}: divide it")
    return found


def _sections(content: str, url: str | None) -> Iterator[Passage]:
    path: list[tuple[int, str]] = []
    lines: list[str] = []
    fenced = False
    bare = _FRONT_MATTER.sub("", content.replace("\r\n", "\n").replace("\r", "\n"))
    for line in without_html(bare).splitlines():
        fenced ^= bool(_FENCE.match(line))
        heading = None if fenced else _heading(line, lines)
        if heading is None:
            lines.append(line)
            continue
        yield from _pieces(path, lines, url)
        lines = []
        path = [*(each for each in path if each[0] < heading[0]), heading]
    yield from _pieces(path, lines, url)


def _heading(line: str, before: list[str]) -> tuple[int, str] | None:
    """The level and title of a heading; "" for one without words. One that a line underlines is taken out of the lines `before`."""
    if (marked := marked_heading(line)) is not None:
        return marked[0], plain(marked[1])
    underlined = _UNDERLINE.match(line)
    alone = bool(before) and _TITLE_LINE.match(before[-1]) and (len(before) == 1 or not before[-2].strip())
    return (1 if underlined[1] else 2, plain(before.pop())) if underlined and alone else None


def _pieces(path: Sequence[tuple[int, str]], lines: Sequence[str], url: str | None) -> Iterator[Passage]:
    """One section, divided between sentences where it is too long."""
    text = plain("\n".join(line for line in lines if not _FENCE.match(line)))
    if not text:
        return
    section = " › ".join(title for _, title in path if title)
    locale = language(text, "en")
    for piece in divided(text, LONGEST[locale]):
        yield Passage(section, None, piece, locale, url)


def plain(text: str) -> str:
    """Markdown without its marks: links by their words, no images."""
    bare = _LINK.sub(r"\1", _IMAGE.sub("", text))
    for _ in range(2):
        bare = _MARKS.sub(lambda found: next(filter(None, found.groups())), bare)
    return _spaced(bare)


def _spaced(text: str) -> str:
    """Without blanks at the ends of lines, and with one empty line at most between two others."""
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in text.splitlines())).strip()


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
    records = readable(io.StringIO(content, newline=""))
    columns = [name.strip().lower() for name in next(records, (1, []))[1]]
    if not {"question", "answer"} <= set(columns) or not set(columns) <= _COLUMNS or len(set(columns)) < len(columns):
        found = ", ".join(map(repr, columns)) or "none"
        raise UnreadableDocument(
            "the columns are question, answer and, if wanted, locale, url, tags, each once, with commas between them "
            f"(found: {found[:200]})"
        )
    asked: dict[tuple[str, Locale], int] = {}
    for number, cells in records:
        if not any(cell.strip() for cell in cells):  # a spreadsheet leaves commas alone at the end of a table
            continue
        if len(cells) > len(columns):
            raise UnreadableDocument(
                f"row {number}: more cells than columns; is a text with commas not in quotation marks?"
            )
        passage = _row(number, dict(zip_longest(columns, cells, fillvalue="")), locale, url)
        if (first := asked.setdefault((passage.question or "", passage.locale), number)) != number:
            raise UnreadableDocument(f"row {number}: asks what row {first} asks")
        yield passage


def _cell(written: str) -> str:
    """What is written in a cell; only one with HTML is spaced anew."""
    seen = without_html(written)
    return seen.strip() if seen == written else _spaced(seen)


def _row(number: int, row: dict[str, str], locale: Locale, url: str | None) -> Passage:
    question, answer = _cell(row["question"]), _cell(row["answer"])
    if not question or not answer:
        raise UnreadableDocument(f"row {number}: has no {'answer' if question else 'question'}")
    if len(question) > _LONGEST_CELL or len(answer) > _LONGEST_CELL:
        raise UnreadableDocument(f"row {number}: at most {_LONGEST_CELL} characters in a cell")
    said = row.get("locale", "").strip()
    if said not in {"", "zh-CN", "en"}:
        raise UnreadableDocument(f"row {number}: locale is zh-CN or en")
    written: Locale = "en" if said == "en" else "zh-CN" if said == "zh-CN" else language(question + answer, locale)
    link = row.get("url", "").strip()
    if link and not _LINK_TO.fullmatch(link):
        raise UnreadableDocument(f"row {number}: url is no http or https address")
    tags = tuple(tag.strip() for tag in row.get("tags", "").split("|") if tag.strip())
    return Passage("", question, answer, written, link or url, tags)


def heading_of(passage: Passage) -> str:
    """What a passage is about in few words: its question, or the way of headings to it."""
    return passage.question or passage.section


def embedded_text(passage: Passage) -> str:
    """What an encoder is given of a passage: the nearest heading, or the question, before the text."""
    nearest = passage.question or passage.section.rsplit(" › ", 1)[-1]
    return f"{nearest}\n{passage.text}" if nearest else passage.text
