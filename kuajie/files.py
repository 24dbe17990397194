"""Reads what a platform exports: CSV, NDJSON and Parquet, row by row, with the number of each row.

A row has the number that an editor or a spreadsheet shows: of a CSV file the header is row 1, and blank rows, which are passed over,
count. A value that is empty, null or NaN is left out of its row.
"""

import datetime as dt
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from kuajie.extras import needs
from kuajie.failures import BadInput
from services.kit.spreadsheet import Unreadable, numbered

Row = dict[str, Any]
PARQUET_BATCH = 20_000


@dataclass(frozen=True, slots=True)
class FileFormat:
    """The columns that a kind of file has: those it must have, and those it may have."""

    required: tuple[str, ...]
    optional: tuple[str, ...]

    @property
    def columns(self) -> frozenset[str]:
        return frozenset((*self.required, *self.optional))


ITEMS = FileFormat(("item_id", "title", "categories"), ("price", "currency", "language", "description", "published_at"))
EVENTS = FileFormat(("user_id", "item_id", "timestamp"), ("message_id", "type", "value", "currency", "properties"))


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot even be read as one."""

    row: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What a first pass over the whole file found."""

    rows: int
    unknown_columns: tuple[str, ...]


Numbered = tuple[int, Row] | BadRow


def survey(path: Path, form: FileFormat) -> Survey:
    """Read everything once, so that a file that breaks off in the middle is refused before anything is sent.

    Raises BadInput: no such file, not the format its name says, not UTF-8, a missing column.
    """
    seen: dict[str, None] = {}
    rows = 0
    for entry in read(path):
        rows += 1
        if not isinstance(entry, BadRow):
            seen.update(dict.fromkeys(entry[1]))
    seen.update(dict.fromkeys(header(path)))
    missing = [column for column in form.required if column not in seen]
    if missing:
        noun = "column" if len(missing) == 1 else "columns"
        raise BadInput(f"{path}: missing {noun} {', '.join(missing)} (found: {', '.join(seen) or 'none'})")
    return Survey(rows, tuple(column for column in seen if column not in form.columns))


def read(path: Path) -> Iterator[Numbered]:
    """The rows in order, each as it stands in the file. Raises BadInput when the file cannot be read on."""
    reader = _reader(path)
    try:
        yield from reader(path)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{path}: not UTF-8 (byte {error.object[error.start]:#04x}); save it as UTF-8 (in Excel: CSV UTF-8)"
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise BadInput(f"{path}: cannot be read: {reason}") from error


def header(path: Path) -> list[str]:
    """The declared columns: a CSV's first line, a Parquet file's schema; NDJSON declares none."""
    if _reader(path) is _read_csv:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _names(numbered(file))
    if _reader(path) is _read_parquet:
        with needs("train"):
            import pyarrow.parquet as pq

        return list(pq.read_schema(path).names)
    return []


def _reader(path: Path) -> Callable[[Path], Iterator[Numbered]]:
    readers = {".csv": _read_csv, ".ndjson": _read_ndjson, ".jsonl": _read_ndjson, ".parquet": _read_parquet}
    try:
        return readers[path.suffix.lower()]
    except KeyError:
        raise BadInput(f"{path}: unknown kind of file; known are {', '.join(readers)}") from None


def _read_csv(path: Path) -> Iterator[Numbered]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = numbered(file)
        names = _names(rows)
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"column {', '.join(twice)} is there twice")
        for number, cells in rows:
            if isinstance(cells, Unreadable):
                if cells.unclosed:
                    raise ValueError(cells.reason)
                yield BadRow(number, "invalid_csv", cells.reason)
            elif not any(cells):  # a spreadsheet leaves commas alone at the end of a table
                continue
            elif len(cells) > len(names):
                yield BadRow(number, "too_many_fields", f"{len(cells)} fields, the header has {len(names)}")
            else:
                yield number, {name: cell for name, cell in zip(names, cells, strict=False) if cell != ""}


def _names(rows: Iterator[tuple[int, list[str] | Unreadable]]) -> list[str]:
    """The columns that the first row names; raises ValueError when it cannot be read."""
    match next(rows, (1, [])):
        case _, Unreadable(reason=reason):
            raise ValueError(reason)
        case _, cells:
            return [name.strip() for name in cells]


def _read_ndjson(path: Path) -> Iterator[Numbered]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                yield BadRow(number, "invalid_json", "not a JSON object")
                continue
            yield (number, _present(row)) if isinstance(row, dict) else BadRow(number, "invalid_json", "not an object")


def _read_parquet(path: Path) -> Iterator[Numbered]:
    with needs("train"):
        import pyarrow as pa
        import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(PARQUET_BATCH):
                for row in batch.to_pylist():
                    number += 1
                    yield number, {name: _plain(value) for name, value in _present(row).items()}
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error


def _present(row: Mapping[str, Any]) -> Row:
    return {
        name: value
        for name, value in row.items()
        if value is not None and value != "" and not (isinstance(value, float) and math.isnan(value))
    }


def _plain(value: Any) -> Any:
    """A Parquet value as JSON has it; a moment without a zone is UTC."""
    if isinstance(value, dt.datetime):
        return (value if value.tzinfo else value.replace(tzinfo=dt.UTC)).isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return value
