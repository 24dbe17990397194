"""The data as columns, from rows of an export or from a file. No cleaning beyond what a row must have."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PURCHASED = "purchase_completed"


@dataclass(frozen=True, slots=True)
class InteractionColumns:
    """Entry n of every column is one interaction. Timestamps are seconds since 1970; without types all are purchases."""

    user_ids: Sequence[str]
    item_ids: Sequence[str]
    timestamps: Sequence[float]
    types: Sequence[str] | None = None

    def __post_init__(self) -> None:
        lengths = {len(self.user_ids), len(self.item_ids), len(self.timestamps)}
        if self.types is not None:
            lengths.add(len(self.types))
        if len(lengths) > 1:
            raise ValueError(f"columns of different lengths: {sorted(lengths)}")

    def __len__(self) -> int:
        return len(self.user_ids)

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> "InteractionColumns":
        """Rows with user_id, item_id, timestamp (seconds, milliseconds or ISO 8601) and optional type, as exports have them."""
        users: list[str] = []
        items: list[str] = []
        moments: list[float] = []
        types: list[str] = []
        for row in rows:
            users.append(str(row["user_id"]))
            items.append(str(row["item_id"]))
            moments.append(seconds(row["timestamp"]))
            types.append(row.get("type") or PURCHASED)
        return cls(users, items, moments, types)


@dataclass(frozen=True, slots=True)
class ItemColumns:
    """The catalogue: one title and any number of categories for each item. A repeated item counts once, the last time."""

    item_ids: Sequence[str]
    titles: Sequence[str]
    categories: Sequence[Sequence[str]]

    def __len__(self) -> int:
        return len(self.item_ids)

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> "ItemColumns":
        """Rows with item_id, title (a text or one by locale) and categories (a list, or one text with `|` between)."""
        ids: list[str] = []
        titles: list[str] = []
        categories: list[Sequence[str]] = []
        for row in rows:
            ids.append(str(row["item_id"]))
            title = row.get("title") or ""
            titles.append(" ".join(map(str, title.values())) if isinstance(title, Mapping) else str(title))
            named = row.get("categories") or []
            parts = named.split("|") if isinstance(named, str) else named
            categories.append([str(part).strip() for part in parts if str(part).strip()])
        return cls(ids, titles, categories)


def seconds(value: object) -> float:
    """Seconds since 1970 from a number, its text, or ISO 8601 (UTC where it names no zone); ValueError for anything else."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    try:
        number = float(str(value))
    except ValueError:
        return seconds(datetime.fromisoformat(str(value)))
    if not math.isfinite(number):
        raise ValueError(f"not a moment: {value!r}")
    # Later than the year 5138 in seconds: it was milliseconds.
    return number / 1000 if abs(number) > 1e11 else number


def read_interactions(path: Path) -> InteractionColumns:
    """A CSV file with user_id, item_id, timestamp and optional type; ValueError naming a missing column or the bad row."""
    return InteractionColumns.from_rows(_rows(path, ("user_id", "item_id", "timestamp")))


def read_items(path: Path) -> ItemColumns:
    """A CSV file with item_id, title, categories; ValueError naming a missing column."""
    return ItemColumns.from_rows(_rows(path, ("item_id", "title", "categories")))


def _rows(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = [name for name in needed if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"{path.name} has no column {', '.join(missing)}")
        return list(reader)
