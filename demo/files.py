"""The world as files in the import formats, so that a platform sees how its own data should look."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from demo.clock import Calendar
from demo.rows import Row, event_row, item_row
from demo.suitability import answers_of
from demo.truth import truth_of
from demo.world import World

DEFAULT_END = datetime(2026, 6, 30, 12, tzinfo=UTC)
"""Files end at a fixed moment unless told otherwise, so that the same seed gives the same bytes."""

_ITEM_COLUMNS = ("item_id", "title", "categories", "price", "currency", "language", "description", "published_at")
_EVENT_COLUMNS = ("user_id", "item_id", "timestamp", "message_id", "type", "value", "currency", "properties")


def write_files(world: World, folder: Path, *, end: datetime = DEFAULT_END) -> dict[str, int]:
    """Writes items.csv, events.csv, people.ndjson and truth.json; gives the rows of each. OSError when it cannot."""
    calendar = Calendar(end)
    folder.mkdir(parents=True, exist_ok=True)
    events = [_event_line(event_row(event, calendar, world.seed)) for event in world.events]
    _write_csv(folder / "items.csv", _ITEM_COLUMNS, [item_row(item, calendar) for item in world.items])
    _write_csv(folder / "events.csv", _EVENT_COLUMNS, events)
    people = [_person(world, number) for number in range(1, len(world.people) + 1)]
    _write_lines(folder / "people.ndjson", (_json(person) for person in people))
    _write_lines(folder / "truth.json", [_json(truth_of(world).document())])
    return {"items.csv": len(world.items), "events.csv": len(events), "people.ndjson": len(people), "truth.json": 1}


def _event_line(row: Row) -> Row:
    moment = datetime.fromtimestamp(row["timestamp"] / 1000, UTC).isoformat(timespec="milliseconds")
    properties = _json(row["properties"]) if row["properties"] else ""
    return row | {"timestamp": moment.replace("+00:00", "Z"), "properties": properties}


def _person(world: World, number: int) -> dict[str, Any]:
    person = world.people[number - 1]
    return {
        "user_id": person.user_id,
        "traits": dict(person.facts),
        "consents": dict(person.consents),
        "suitability_answers": answers_of(person, number, world.seed),
    }


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
