"""CSV files as spreadsheets write and read them. Pure.

A spreadsheet numbers rows from 1, the header and blank ones among them, and takes a text for a formula where it begins like one
(OWASP: CSV injection).
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count

_FORMULA = re.compile(r"'*[=+\-@＝＋－＠\t\r\n]")
"""In either width, and with the apostrophes that may stand before it, lest what is guarded be taken for what was written."""


def guarded(text: str) -> str:
    """`text` with an apostrophe before it where it begins like a formula, which a spreadsheet shows as it is."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(cell: str) -> str:
    """The text that `guarded` made `cell` of. A text of other hands that begins so loses one apostrophe."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a row cannot be read. A quote that is `unclosed` swallows the rest of the file, so that it is no single row's fault."""

    reason: str
    unclosed: bool


def numbered(lines: Iterable[str], *, delimiter: str = ",") -> Iterator[tuple[int, list[str] | Unreadable]]:
    """Every row with its number: its cells, or why it has none. `lines` keep their line ends, which may be inside of quotes."""
    rows = csv.reader(lines, strict=True, delimiter=delimiter)
    for number in count(1):
        try:
            yield number, next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            unclosed = "unexpected end of data" in str(error)
            yield number, Unreadable("a quote is opened and never closed" if unclosed else str(error), unclosed)


class UnreadableRow(ValueError):
    """A row cannot be read; the message names it and says why."""


def readable(lines: Iterable[str], *, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """As `numbered`, for those who need every row: raises `UnreadableRow` at the first that has no cells."""
    for number, cells in numbered(lines, delimiter=delimiter):
        if isinstance(cells, Unreadable):
            raise UnreadableRow(f"row {number}: {cells.reason}")
        yield number, cells
