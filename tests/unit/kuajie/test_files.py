"""Reading what platforms export."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kuajie.failures import BadInput
from kuajie.files import EVENTS, ITEMS, BadRow, read, survey


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_csv_rows_have_the_numbers_of_a_spreadsheet_and_empty_cells_are_left_out(tmp_path: Path) -> None:
    rows = '1,"保险,\n入门",finance|保险,\n\n,,,\n2,B,tech,3.50\n,,,\n'
    path = write(tmp_path / "i.csv", f"item_id,title,categories,price\n{rows}")
    assert list(read(path)) == [
        (2, {"item_id": "1", "title": "保险,\n入门", "categories": "finance|保险"}),
        (5, {"item_id": "2", "title": "B", "categories": "tech", "price": "3.50"}),
    ]
    assert survey(path, ITEMS).rows == 2


def test_a_byte_order_mark_is_not_part_of_the_first_column(tmp_path: Path) -> None:
    path = tmp_path / "i.csv"
    path.write_bytes("item_id,title,categories\n1,A,x\n".encode("utf-8-sig"))
    assert survey(path, ITEMS).rows == 1


def test_a_row_with_too_many_fields_is_a_bad_row_and_the_next_one_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", "user_id,item_id,timestamp\nu,i,1\nu,i,1,extra\nu,i,2\n")
    assert list(read(path))[1:] == [
        BadRow(3, "too_many_fields", "4 fields, the header has 3"),
        (4, {"user_id": "u", "item_id": "i", "timestamp": "2"}),
    ]


def test_a_stray_quote_spoils_its_row_only(tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", 'user_id,item_id,timestamp\n"u"x,i,1\nu,i,2\n')
    first, second = read(path)
    assert isinstance(first, BadRow)
    assert (first.row, first.reason) == (2, "invalid_csv")
    assert second == (3, {"user_id": "u", "item_id": "i", "timestamp": "2"})


def test_a_quote_that_never_closes_makes_the_file_unreadable(tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", 'user_id,item_id,timestamp\nu,"i,1\nu,i,2\n')
    with pytest.raises(BadInput, match="a quote is opened and never closed"):
        survey(path, EVENTS)


def test_ndjson_lines_that_are_no_objects_are_bad_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "e.ndjson", '{"user_id":"u","value":null}\nnot json\n\n[1]\n')
    assert list(read(path)) == [
        (1, {"user_id": "u"}),
        BadRow(2, "invalid_json", "not a JSON object"),
        BadRow(4, "invalid_json", "not an object"),
    ]


def test_parquet_moments_without_a_zone_are_utc_and_amounts_stay_exact(tmp_path: Path) -> None:
    table = pa.table(
        {
            "user_id": ["u1", "u2"],
            "item_id": [1, 2],
            "timestamp": [dt.datetime(2024, 1, 2, 3, 4, 5), None],
            "value": [Decimal("12.30"), None],
        }
    )
    pq.write_table(table, tmp_path / "e.parquet")
    assert list(read(tmp_path / "e.parquet")) == [
        (1, {"user_id": "u1", "item_id": 1, "timestamp": "2024-01-02T03:04:05+00:00", "value": "12.30"}),
        (2, {"user_id": "u2", "item_id": 2}),
    ]


def test_the_survey_counts_rows_and_names_columns_that_are_not_used(tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", "user_id,item_id,timestamp,shoe_size\nu,i,1,44\nu,i,2,44\n")
    found = survey(path, EVENTS)
    assert (found.rows, found.unknown_columns) == (2, ("shoe_size",))


@pytest.mark.parametrize("name", ["e.csv", "e.ndjson"])
def test_a_missing_column_is_named(tmp_path: Path, name: str) -> None:
    text = "user_id,when\nu,1\n" if name.endswith("csv") else '{"user_id":"u","when":1}\n'
    with pytest.raises(BadInput, match=r"missing columns item_id, timestamp \(found: user_id, when\)"):
        survey(write(tmp_path / name, text), EVENTS)


def test_a_csv_with_no_rows_still_has_its_columns(tmp_path: Path) -> None:
    assert survey(write(tmp_path / "e.csv", "user_id,item_id,timestamp\n"), EVENTS).rows == 0


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", "user_id,item_id,timestamp,user_id\nu,i,1,v\n")
    with pytest.raises(BadInput, match="column user_id is there twice"):
        survey(path, EVENTS)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (
            "e.csv",
            b"user_id,item_id,timestamp\n\xff\xfe,i,1\n",
            r"not UTF-8 \(byte 0xff\); save it as UTF-8 \(in Excel: CSV UTF-8\)$",
        ),
        ("e.parquet", b"PAR1 but not really", "cannot be read"),
        ("e.xlsx", b"", "unknown kind of file"),
    ],
)
def test_an_unreadable_file_is_one_clear_line(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadInput, match=reason) as refused:
        survey(path, EVENTS)
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        survey(tmp_path / "none.csv", EVENTS)
