from datetime import UTC, datetime

import orjson
import pytest

from services.recommend.item_import import NAMED_ROWS, BadRow, ItemFile, read_item, read_moment

ROW = {"item_id": "a", "title": "A", "categories": "finance|tax"}


def test_a_row_of_texts_becomes_an_item():
    read = read_item(
        {
            "item_id": 17,
            "title": " A ",
            "categories": " finance | tax ||finance",
            "price": "9.90",
            "currency": "cny",
            "language": "",
            "description": "  ",
            "published_at": "2026-01-02",
            "colour": "red",
        }
    )
    assert (read.item_id, read.title, read.categories) == ("17", {"und": "A"}, ["finance", "tax"])
    assert (str(read.price.amount), read.price.currency) == ("9.90", "CNY")
    assert (read.language, read.description, read.published_at) == (None, None, datetime(2026, 1, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    ("change", "reason", "param"),
    [
        ({"item_id": " "}, "missing_item_id", "item_id"),
        ({"item_id": "x" * 129}, "invalid_item_id", "item_id"),
        ({"title": None}, "missing_title", "title"),
        ({"title": "x" * 501}, "invalid_title", "title"),
        ({"title": {"en": ""}}, "invalid_title", "title"),
        ({"categories": " | "}, "invalid_categories", "categories"),
        ({"categories": None}, "missing_categories", "categories"),
        ({"price": "9,90", "currency": "CNY"}, "invalid_price", "price"),
        ({"price": "NaN", "currency": "CNY"}, "invalid_price", "price"),
        ({"price": "-1", "currency": "CNY"}, "invalid_price", "price"),
        ({"price": "9.90"}, "missing_currency", "currency"),
        ({"price": "9.90", "currency": "yuan"}, "invalid_currency", "currency"),
        ({"published_at": "yesterday"}, "invalid_published_at", "published_at"),
        ({"published_at": "1e30"}, "invalid_published_at", "published_at"),
        ({"language": "Chinese!"}, "invalid_language", "language"),
        ({"status": "gone"}, "invalid_status", "status"),
    ],
)
def test_a_bad_row_has_a_reason_and_a_column(change, reason, param):
    with pytest.raises(BadRow) as bad:
        read_item(ROW | change)
    assert (bad.value.reason, bad.value.param) == (reason, param)


@pytest.mark.parametrize("value", ["2017-09-30T04:46:01Z", "2017-09-30 12:46:01+08:00", 1506746761, "1506746761000"])
def test_moments_are_read_in_any_usual_form(value):
    assert read_moment(value) == datetime(2017, 9, 30, 4, 46, 1, tzinfo=UTC)


def test_read_is_kept_and_duplicates_and_rejected():
    file = ItemFile()
    file.add(
        [
            orjson.dumps(ROW),
            b"",
            b"[1]",
            orjson.dumps(ROW | {"title": "B"}),
            b"   ",
            b"\xff",
            orjson.dumps({"item_id": "b"}),
        ]
    )
    report = file.report(changed=1)
    assert (report.read, report.kept, report.duplicates, report.rejected) == (5, 1, 1, 3)
    assert report.reasons == {"not_an_object": 1, "invalid_json": 1, "missing_title": 1}
    assert [row.row for row in report.rows] == [3, 6, 7]
    assert file.items["a"].title == {"und": "B"}


def test_a_byte_order_mark_is_no_part_of_the_first_row():
    file = ItemFile()
    file.add([b"\xef\xbb\xbf" + orjson.dumps(ROW), orjson.dumps(ROW | {"item_id": "b"})])
    assert (sorted(file.items), file.report(changed=2).rejected) == (["a", "b"], 0)


def test_only_the_first_bad_rows_are_named_and_all_are_counted():
    file = ItemFile()
    file.add([b"{}"] * (NAMED_ROWS + 5))
    report = file.report(changed=0)
    assert (len(report.rows), report.rejected, report.reasons) == (
        NAMED_ROWS,
        NAMED_ROWS + 5,
        {"missing_item_id": NAMED_ROWS + 5},
    )
