import csv
import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from demo.files import DEFAULT_END, write_files
from demo.world import World, simulate

NAMES = ["events.csv", "items.csv", "people.ndjson", "truth.json"]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_same_seed_writes_the_same_bytes(village: World, tmp_path: Path) -> None:
    write_files(village, tmp_path / "first")
    write_files(simulate(7, people=60), tmp_path / "second")
    assert sorted(path.name for path in (tmp_path / "first").iterdir()) == NAMES
    for name in NAMES:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_files_have_the_columns_of_the_import_formats(village: World, tmp_path: Path) -> None:
    counts = write_files(village, tmp_path)
    items = rows_of(tmp_path / "items.csv")
    events = rows_of(tmp_path / "events.csv")
    assert list(items[0])[:3] == ["item_id", "title", "categories"]
    assert list(events[0])[:3] == ["user_id", "item_id", "timestamp"]
    assert (len(items), len(events)) == (counts["items.csv"], counts["events.csv"]) == (600, len(village.events))
    assert {row["user_id"][:5] for row in events} == {row["item_id"][:5] for row in items} == {"demo-"}
    assert max(datetime.fromisoformat(row["timestamp"]) for row in events) <= DEFAULT_END


def test_money_stands_only_where_money_moved(village: World, tmp_path: Path) -> None:
    write_files(village, tmp_path)
    for row in rows_of(tmp_path / "events.csv"):
        assert bool(row["value"]) == (row["currency"] == "CNY") == row["type"].startswith("purchase_")


def test_people_come_with_facts_consents_and_answers(village: World, tmp_path: Path) -> None:
    write_files(village, tmp_path)
    first = json.loads((tmp_path / "people.ndjson").read_text(encoding="utf-8").splitlines()[0])
    assert set(first) == {"user_id", "traits", "consents", "suitability_answers"}
    assert first["traits"]["birth_date"] == "1992-05-17"


def test_a_folder_that_cannot_be_made_is_one_line_and_exit_2(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    command = [sys.executable, "-m", "demo", "--people", "2", "--out", str(tmp_path / "file" / "below")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
