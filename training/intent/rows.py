"""Training rows: a CSV file of texts with a label and, where known, the other tasks' labels."""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.intent.trained.written_form import written_form

LABEL_COLUMNS = ("label", "category", "intent")
TASKS = ("intent", "sentiment", "purchase", "topic")
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

    Raises `UnusableData` for a missing file or column, an empty text or a row without any label.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = _columns(path, reader.fieldnames or (), label_column)
            rows = [_row(path, number, raw, columns) for number, raw in enumerate(reader, start=2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnusableData(f"{path}: {error}") from error
    if not rows:
        raise UnusableData(f"{path}: no rows")
    return rows


def read_strangers(path: Path) -> list[str]:
    """Texts that are out of scope: of a CSV file's column `text`, or the lines of a .txt file. Raises `UnusableData`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix == ".txt":
                found = [line.strip() for line in file]
            else:
                reader = csv.DictReader(file)
                if "text" not in (reader.fieldnames or ()):
                    raise UnusableData(f"{path}: the column `text` is missing")
                found = [(row["text"] or "").strip() for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnusableData(f"{path}: {error}") from error
    if not any(found):
        raise UnusableData(f"{path}: no texts")
    return [text for text in found if text]


def _columns(path: Path, names: Sequence[str], label_column: str | None) -> dict[str, str]:
    if "text" not in names:
        raise UnusableData(f"{path}: the column `text` is missing")
    if label_column is not None and label_column not in names:
        raise UnusableData(f"{path}: the column `{label_column}` is missing")
    intent = label_column or next((name for name in LABEL_COLUMNS if name in names), None)
    columns = {"intent": intent} if intent else {}
    columns |= {task: task for task in TASKS[1:] if task in names}
    if not columns:
        raise UnusableData(f"{path}: the column `label` is missing")
    return columns


def _row(path: Path, number: int, raw: Mapping[str, str | None], columns: Mapping[str, str]) -> Row:
    text = written_form(raw["text"] or "")
    labels = {task: value for task, column in columns.items() if (value := (raw[column] or "").strip())}
    if not text or not labels:
        raise UnusableData(f"{path}: row {number} has {'no label' if text else 'an empty text'}")
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
            raise UnusableData(f"a class that the model does not have: {row.labels}") from error


def split(rows: Sequence[Row], share: float, *, seed: int) -> tuple[list[Row], list[Row]]:
    """Train and validation rows, stratified by intent (or the first task that a row has).

    A class of one row stays in training; a class of more gives at least one row to validation.
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
