"""`kuajie import`: a file sent to the gateway in chunks, and one cleaning report of them all."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from kuajie.failures import BadInput
from kuajie.files import EVENTS, ITEMS, BadRow, FileFormat, Numbered, Survey, read, survey
from kuajie.gateway import Gateway
from kuajie.terminal import progress, show, table

CHUNK_ROWS = 20_000
CHUNK_BYTES = 32 * 1024 * 1024
NAMED_ROWS = 100


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be imported: its columns, and the route that takes it."""

    name: str
    form: FileFormat
    path: str


KINDS = {
    "items": Kind("items", ITEMS, "/v1/items/import"),
    "events": Kind("events", EVENTS, "/v1/events/import"),
}


@dataclass
class ImportReport:
    """What became of a file's rows; `rows` names the first hundred bad ones."""

    read: int = 0
    kept: int = 0
    duplicates: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    rows: list[dict[str, Any]] = field(default_factory=list)
    ignored_columns: tuple[str, ...] = ()

    def add(self, part: dict[str, Any]) -> None:
        """A chunk's report, as a service gives it."""
        self.read += part["read"]
        self.kept += part["kept"]
        self.duplicates += part["duplicates"]
        self.rejected += part["rejected"]
        self.reasons.update(part["reasons"])
        self.rows.extend(part["rows"])

    def add_unreadable(self, row: BadRow) -> None:
        self.read += 1
        self.rejected += 1
        self.reasons[row.reason] += 1
        self.rows.append({"row": row.row, "reason": row.reason, "param": None, "detail": row.detail})

    def document(self) -> dict[str, Any]:
        return {
            "read": self.read,
            "kept": self.kept,
            "duplicates": self.duplicates,
            "rejected": self.rejected,
            "reasons": dict(self.reasons.most_common()),
            "rows": sorted(self.rows, key=lambda row: int(row["row"]))[:NAMED_ROWS],
            "ignored_columns": list(self.ignored_columns),
        }


def import_file(kind: Kind, path: Path, find: Callable[[], Gateway], *, strict: bool) -> ImportReport:
    """Send every row that can be kept. Raises BadInput, with nothing written, for what makes the file unusable."""
    found = survey(path, kind.form)
    gateway = find()
    if strict:
        _refuse_bad_rows(path, _send(kind, path, gateway, found, dry_run=True))
    return _send(kind, path, gateway, found, dry_run=False)


def show_report(path: Path, document: dict[str, Any]) -> None:
    """The report for a person: the sums, then each reason with its first row."""
    counts = ", ".join(f"{document[name]} {name}" for name in ("read", "kept", "duplicates", "rejected"))
    show(f"{path}: {counts}")
    if document["ignored_columns"]:
        show(f"columns not used: {', '.join(document['ignored_columns'])}")
    if not document["rejected"]:
        return
    first: dict[str, list[dict[str, Any]]] = {}
    for row in document["rows"]:
        first.setdefault(row["reason"], []).append(row)
    lines = []
    for reason, count in document["reasons"].items():
        named = first.get(reason, [])
        numbers = ", ".join(str(row["row"]) for row in named[:5]) + (" …" if count > 5 else "")
        lines.append([reason, str(count), numbers, str(named[0]["detail"]) if named else ""])
    table("rows that were not kept", ["reason", "rows", "first", "why"], lines)


def _refuse_bad_rows(path: Path, report: ImportReport) -> None:
    if not report.rejected:
        return
    reasons = ", ".join(f"{reason} {count}" for reason, count in report.reasons.most_common())
    first = report.document()["rows"][0]
    noun = "bad row" if report.rejected == 1 else "bad rows"
    raise BadInput(
        f"{path}: {report.rejected} {noun} ({reasons}), the first is row {first['row']}; nothing was written"
    )


def _send(kind: Kind, path: Path, gateway: Gateway, found: Survey, *, dry_run: bool) -> ImportReport:
    report = ImportReport(ignored_columns=found.unknown_columns)
    params = {"dry_run": "true"} if dry_run else {}
    title = f"{'checking' if dry_run else 'importing'} {kind.name}"
    with progress(title, found.rows) as advance:
        lines = encoded(read(path), kind.form, report.add_unreadable)
        for rows, body in chunks(lines):
            report.add(gateway.post_ndjson(kind.path, body, params))
            advance(rows)
    return report


def encoded(rows: Iterable[Numbered], form: FileFormat, unreadable: Callable[[BadRow], None]) -> Iterator[bytes]:
    """One NDJSON line a row, with the row's number; unreadable rows are handed aside, foreign columns left out."""
    columns = form.columns
    for entry in rows:
        if isinstance(entry, BadRow):
            unreadable(entry)
            continue
        number, row = entry
        try:
            yield orjson.dumps({"row": number, **{name: row[name] for name in row if name in columns}}, default=str)
        except (orjson.JSONEncodeError, RecursionError):
            unreadable(BadRow(number, "invalid_value", "a number beyond 64 bits, broken text, or nesting without end"))


def chunks(lines: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines joined to bodies of at most 20,000 rows and, unless one line alone is larger, 32 MiB; with the rows of each."""
    held: list[bytes] = []
    size = 0
    for line in lines:
        if held and (len(held) == CHUNK_ROWS or size + len(line) >= CHUNK_BYTES):
            yield len(held), b"\n".join(held)
            held, size = [], 0
        held.append(line)
        size += len(line) + 1
    if held:
        yield len(held), b"\n".join(held)
