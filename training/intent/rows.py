"""Training rows: a CSV file of texts with a label and, where known, the other tasks' labels."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from services.intent.labels import OPINION_TOPICS
from services.intent.trained.written_form import written_form

LABEL_COLUMNS = ("label", "category", "intent")
TASKS = ("intent", "sentiment", "purchase", "topic")
FIXED = {"sentiment": ("negative", "neutral", "positive"), "purchase": ("buy", "not_buy"), "topic": OPINION_TOPICS}
"""The classes of the tasks whose classes are the service's own: a model with any other would not be loaded."""
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

    Raises `UnusableData` for a missing file or column, a row of more fields than columns, an empty text, a row without any label, or
    a sentiment, purchase or topic that the service has no word for.
    """
    with _readable(path) as file:
        reader = _table(file)
        columns = _columns(path, reader.fieldnames or (), label_column)
        rows = [_row(path, number, raw, columns) for number, raw in enumerate(reader, start=2)]
    if not rows:
        raise UnusableData(f"{path}: no rows")
    return rows


def read_strangers(path: Path) -> list[str]:
    """Texts that are out of scope: of a CSV file's column `text`, or the lines of a .txt file. Raises `UnusableData`."""
    with _readable(path) as file:
        if path.suffix == ".txt":
            found = [line.strip() for line in file]
        else:
            reader = _table(file)
            if "text" not in (reader.fieldnames or ()):
                raise _missing(path, "text", reader.fieldnames or ())
            found = [(row["text"] or "").strip() for row in reader]
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
        raise UnusableData(f"{path}: not UTF-8 (byte {error.object[error.start]:#04x}); save it as UTF-8") from error
    except OSError as error:
        raise UnusableData(f"{path}: {error.strerror or error}") from error
    except csv.Error as error:
        reason = "a quote is opened and never closed" if "unexpected end of data" in str(error) else error
        raise UnusableData(f"{path}: {reason}") from error


def _table(file: TextIO) -> "csv.DictReader[str]":
    reader = csv.DictReader(file, strict=True)
    reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
    return reader


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
    text = written_form(raw["text"] or "")
    labels = {task: value for task, column in columns.items() if (value := (raw[column] or "").strip())}
    if not text or not labels:
        raise UnusableData(f"{path}: row {number} has {'no label' if text else 'an empty text'}")
    for task, classes in FIXED.items():
        if labels.get(task, classes[0]) not in classes:
            known = ", ".join(classes)
            raise UnusableData(f"{path}: row {number} has the {task} {labels[task]!r}, which is none of {known}")
    return Row(text, labels, (raw.get("lang") or "").strip() or language_of(text))


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
        try:
            return {
                task: names.index(row.labels[task]) if task in row.labels else UNKNOWN
                for task, names in self.classes.items()
            }
        except ValueError as error:
            raise UnusableData(
                f"the text {row.text[:40]!r} has a class that the model does not have: {row.labels}"
            ) from error


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
