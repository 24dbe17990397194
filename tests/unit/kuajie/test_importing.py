"""Files sent to a gateway in chunks."""

import json
from pathlib import Path

import pytest

from kuajie.failures import BadInput, CommandError
from kuajie.files import EVENTS, read
from kuajie.importing import KINDS, chunks, encoded, import_file

HEADER = "user_id,item_id,timestamp\n"


def events_file(folder: Path, rows: list[str]) -> Path:
    path = folder / "events.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return path


def test_good_rows_are_kept_and_bad_ones_named_by_row_and_reason(tmp_path: Path, stand) -> None:
    path = events_file(tmp_path, ["u1,i1,1", ",i1,2", "u2,i1,3,extra", "u3,i1,4"])
    report = import_file(KINDS["events"], path, lambda: stand.gateway, strict=False).document()
    assert report == {
        "read": 4,
        "kept": 2,
        "duplicates": 0,
        "rejected": 2,
        "reasons": {"too_many_fields": 1, "missing_user_id": 1},
        "rows": [
            {"row": 3, "reason": "missing_user_id", "param": "user_id", "detail": "user_id is missing."},
            {"row": 4, "reason": "too_many_fields", "param": None, "detail": "4 fields, the header has 3"},
        ],
        "ignored_columns": [],
    }


def test_rows_travel_with_their_number_and_known_columns_only(tmp_path: Path, stand) -> None:
    path = tmp_path / "events.csv"
    path.write_text("user_id,item_id,timestamp,secret\nu1,i1,1,shh\n")
    import_file(KINDS["events"], path, lambda: stand.gateway, strict=False)
    [(method, asked, body)] = stand.asked
    assert (method, asked) == ("POST", "/v1/events/import")
    assert json.loads(body) == {"row": 2, "user_id": "u1", "item_id": "i1", "timestamp": "1"}
    assert stand.keys == {"Bearer kj_test"}


def test_a_large_file_goes_in_chunks_of_twenty_thousand_rows(tmp_path: Path, stand) -> None:
    path = events_file(tmp_path, [f"u{n},i,{n}" for n in range(45_000)])
    report = import_file(KINDS["events"], path, lambda: stand.gateway, strict=False)
    assert [len(body.splitlines()) for _, _, body in stand.asked] == [20_000, 20_000, 5_000]
    assert (report.read, report.kept) == (45_000, 45_000)


def test_a_chunk_stays_under_its_size() -> None:
    line = b"x" * (10 * 1024 * 1024)
    assert [rows for rows, _ in chunks(iter([line] * 7))] == [3, 3, 1]


def test_strict_with_a_bad_row_writes_nothing(tmp_path: Path, stand) -> None:
    path = events_file(tmp_path, ["u1,i1,1", ",i1,2"])
    with pytest.raises(BadInput, match=r"1 bad row \(missing_user_id 1\), the first is row 3; nothing was written"):
        import_file(KINDS["events"], path, lambda: stand.gateway, strict=True)
    assert [asked for _, asked, _ in stand.asked] == ["/v1/events/import?dry_run=true"]


def test_strict_with_good_rows_checks_first_and_then_writes(tmp_path: Path, stand) -> None:
    import_file(KINDS["events"], events_file(tmp_path, ["u1,i1,1"]), lambda: stand.gateway, strict=True)
    assert [asked for _, asked, _ in stand.asked] == ["/v1/events/import?dry_run=true", "/v1/events/import"]


def test_a_missing_column_is_found_before_anything_is_sent(tmp_path: Path, stand) -> None:
    path = tmp_path / "items.csv"
    path.write_text("item_id,title\n1,A\n")
    with pytest.raises(BadInput, match="missing column categories"):
        import_file(KINDS["items"], path, lambda: stand.gateway, strict=False)
    assert stand.asked == []


def test_a_refusal_of_the_gateway_is_told_in_its_own_words(tmp_path: Path, stand) -> None:
    problem = {"status": 403, "code": "forbidden", "detail": "The key may not write events."}
    stand.answer = lambda method, path, body: (403, json.dumps(problem).encode())
    with pytest.raises(CommandError, match=r"POST /v1/events/import: 403 forbidden: The key may not write events\."):
        import_file(KINDS["events"], events_file(tmp_path, ["u,i,1"]), lambda: stand.gateway, strict=False)


def test_a_row_that_json_cannot_carry_is_a_bad_row_and_the_others_go_on(tmp_path):
    path = tmp_path / "events.ndjson"
    good = '{"user_id":"u","item_id":"i","timestamp":"2026-01-01T00:00:00Z"}\n'
    deep = (
        '{"user_id":"u","item_id":"i","timestamp":"2026-01-01T00:00:00Z","properties":'
        + "[" * 5000
        + "]" * 5000
        + "}\n"
    )
    huge = (
        '{"user_id":"u","item_id":"i","timestamp":"2026-01-01T00:00:00Z","properties":{"n":1234567890123456789012}}\n'
    )
    path.write_text(good + huge + deep + good)
    bad = []
    lines = list(encoded(read(path), EVENTS, bad.append))
    assert [json.loads(line)["row"] for line in lines] == [1, 4]
    assert [(each.row, each.reason) for each in bad] == [(2, "invalid_value"), (3, "invalid_json")]
