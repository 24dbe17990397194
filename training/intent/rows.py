"""Training rows: a CSV file of texts with a label and, where known, the other tasks' labels."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from services.intent.labels import OPINION_TOPICS
from services.intent.trained.written_form import written_form
from services.kit.spreadsheet import UnreadableRow, readable, unguarded

LABEL_COLUMNS = ("label", "category", "intent")
TASKS = ("intent", "sentiment", "purchase", "topic")
FIXED = {"sentiment": ("negative", "neutral", "positive"), "purchase": ("buy", "not_buy"), "topic": OPINION_TOPICS}
"""The classes of the tasks whose classes are the service's own: a model with any other would not be loaded."""
TOLD_AS = {"intent": "label"}
"""What a task is called where that is not its name: as the column of the file."""
UNKNOWN = -100
"""The class index of a task that a row says nothing about; the loss passes over it."""


class UnusableData(ValueError):
    """The file cannot be trained on; the message is one line that names the file, and the row where there is one."""


@dataclass(frozen=True, slots=True)
class Row:
    """One text, its language, and what is known of it, by task."""

    text: str
    labels: Mapping[str, str]
    language: str


def read_rows(path: Path, *, label_column: str | None = None) -> list[Row]:
    """The rows of a CSV file with `text` and `label` (or `category`), and optional `sentiment`, `purchase`, `topic` and `lang`.

    Commas are between the fields, or semicolons or tabs where the first line says so. Raises `UnusableData` for a missing file or
    column, a row of more fields than columns, an empty text, a row without any label, or a sentiment, purchase or topic that the
    service has no word for.
    """
    with _readable(path) as file:
        table = _table(path, file)
        columns = _columns(path, table.names, label_column)
        rows = [_row(path, number, raw, columns) for number, raw in table.rows]
    if not rows:
        raise UnusableData(f"{path}: no rows")
    return rows


def read_strangers(path: Path) -> list[str]:
    """Texts that are out of scope: of a CSV file's column `text`, or the lines of a .txt file. Raises `UnusableData`."""
    with _readable(path) as file:
        if path.suffix == ".txt":
            found = [line.strip() for line in file]
        else:
            table = _table(path, file)
            if "text" not in table.names:
                raise _missing(path, "text", table.names)
            found = [unguarded(raw["text"]).strip() for _, raw in table.rows]
    if not any(found):
        raise UnusableData(f"{path}: no texts")
    return [text for text in found if text]


@contextmanager
def _readable(path: Path) -> Iterator[TextIO]:
    """The file, open; raises `UnusableData` when it cannot be read, now or later."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield file
    except UnicodeDecodeError as error:
        workbook = error.object.startswith(b"PK\x03\x04")
        why = "a workbook, no CSV file" if workbook else f"not UTF-8 (byte {error.object[error.start]:#04x})"
        raise UnusableData(f"{path}: {why}; save it as UTF-8 (in Excel: CSV UTF-8)") from error
    except OSError as error:
        raise UnusableData(f"{path}: {error.strerror or error}") from error
    except UnreadableRow as error:
        raise UnusableData(f"{path}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Table:
    """The names of the columns, and the rows with their numbers in the file (the header is row 1), fields by name.

    What a row has over is under None. Rows that are blank all over are passed over.
    """

    names: list[str]
    rows: Iterator[tuple[int, dict[str | None, Any]]]


def _table(path: Path, file: TextIO) -> _Table:
    first = file.readline()
    file.seek(0)
    records = readable(file, delimiter=_delimiter(first))
    names = [name.strip() for name in next(records, (1, []))[1]]
    if twice := sorted({name for name in names if name and names.count(name) > 1}):
        raise UnusableData(f"{path}: the column `{twice[0]}` is there twice")

    def rows() -> Iterator[tuple[int, dict[str | None, Any]]]:
        for number, fields in records:
            if any(field.strip() for field in fields):
                padded = fields + [""] * (len(names) - len(fields))
                yield number, {**dict(zip(names, padded, strict=False)), None: fields[len(names) :]}

    return _Table(names, rows())


def _delimiter(first: str) -> str:
    """Of the first line: what is between `text` and its neighbours, a comma where that tells nothing."""

    def names(delimiter: str) -> list[str]:
        return [name.strip().strip('"') for name in first.split(delimiter)]

    return next((each for each in ",;\t" if "text" in names(each)), ",")


def _missing(path: Path, column: str, found: Sequence[str]) -> UnusableData:
    return UnusableData(f"{path}: the column `{column}` is missing (found: {', '.join(map(repr, found)) or 'none'})")


def _columns(path: Path, names: Sequence[str], label_column: str | None) -> dict[str, str]:
    if "text" not in names:
        raise _missing(path, "text", names)
    if label_column is not None and label_column not in names:
        raise _missing(path, label_column, names)
    intent = label_column or next((name for name in LABEL_COLUMNS if name in names), None)
    columns = {"intent": intent} if intent else {}
    columns |= {task: task for task in TASKS[1:] if task in names}
    if not columns:
        raise _missing(path, "label", names)
    return columns


def _row(path: Path, number: int, raw: Mapping[str | None, Any], columns: Mapping[str, str]) -> Row:
    if any(raw.get(None, ())):
        raise UnusableData(
            f"{path}: row {number} has more fields than there are columns: a text with a comma needs quotes"
        )
    text = written_form(unguarded(raw["text"]))
    labels = {task: value for task, column in columns.items() if (value := raw[column].strip())}
    if not text or not labels:
        raise UnusableData(f"{path}: row {number} has {'no label' if text else 'an empty text'}")
    for task, classes in FIXED.items():
        if labels.get(task, classes[0]) not in classes:
            known = ", ".join(classes)
            raise UnusableData(
                f"{path}: row {number} has the {task} {labels[task]!r}, which is none of {known}; "
                f"rename the column `{task}` if it says something else"
            )
    return Row(text, labels, raw.get("lang", "").strip() or language_of(text))


def language_of(text: str) -> str:
    """`zh` for a text with a Chinese character in it, else `en`."""
    return "zh" if any("\u3400" <= char <= "\u9fff" for char in text) else "en"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The classes of each task, in the order of the heads' outputs."""

    classes: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> "Vocabulary":
        """Every class that occurs, sorted by name; raises `UnusableData` when a task has only one."""
        seen: dict[str, set[str]] = {}
        for row in rows:
            for task, label in row.labels.items():
                seen.setdefault(task, set()).add(label)
        for task, labels in seen.items():
            if len(labels) < 2:
                raise UnusableData(f"the task {task} has only the class {min(labels)!r}: there is nothing to learn")
        return cls({task: tuple(sorted(seen[task])) for task in TASKS if task in seen})

    def indices(self, row: Row) -> dict[str, int]:
        """Class index by task; `UNKNOWN` where the row says nothing. Raises `UnusableData` for a class never seen."""
        for task, label in row.labels.items():
            if task in self.classes and label not in self.classes[task]:
                raise UnusableData(
                    f"the text {row.text[:40]!r} has the {TOLD_AS.get(task, task)} {label!r}, which the model does not have"
                )
        return {
            task: names.index(row.labels[task]) if task in row.labels else UNKNOWN
            for task, names in self.classes.items()
        }


def split(rows: Sequence[Row], share: float, *, seed: int) -> tuple[list[Row], list[Row]]:
    """Train and validation rows, stratified by intent (or the first task that a row has).

    A class of one row stays in training; a class of more gives at least one row to validation. A text that is there again stays in
    training with all of its rows, lest the model be judged on what it has learned by heart.
    """
    groups: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        task = next(task for task in TASKS if task in row.labels)
        groups.setdefault(f"{task} {row.labels[task]}", []).append(index)
    random = np.random.default_rng(seed)
    held: set[int] = set()
    for _, members in sorted(groups.items()):
        count = min(len(members) - 1, max(1, round(share * len(members))))
        held.update(random.permutation(members)[:count].tolist())
    learned = {row.text for index, row in enumerate(rows) if index not in held}
    held = {index for index in held if rows[index].text not in learned}
    kept = [row for index, row in enumerate(rows) if index not in held]
    return kept, [row for index, row in enumerate(rows) if index in held]


def class_weights(rows: Iterable[Row], classes: Sequence[str], task: str, *, power: float) -> list[float]:
    """Weights proportional to `frequency ** -power`, with a mean of one over the rows; power 0 weighs all alike."""
    counts = Counter(row.labels[task] for row in rows if task in row.labels)
    raw = [counts.get(name, 1) ** -power for name in classes]
    mean = sum(counts.get(name, 1) * weight for name, weight in zip(classes, raw, strict=True)) / max(
        1, sum(counts.values())
    )
    return [weight / mean for weight in raw]
