"""Cursors: read as they were written, by the list that gave them out; anything else is told so, whatever it holds."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.kit.errors import BadRequest
from services.kit.pagination import Kind, decode_cursor, encode_cursor

MOMENT = datetime(2026, 1, 5, 7, 30, 1, 5, tzinfo=UTC)


def test_a_cursor_is_read_as_it_was_written() -> None:
    cursor = encode_cursor("documents", MOMENT, "文档 1", 7)
    assert decode_cursor("documents", cursor, datetime, str, int) == (MOMENT, "文档 1", 7)
    east = MOMENT.astimezone(timezone(timedelta(hours=8)))
    assert decode_cursor("documents", encode_cursor("documents", east), datetime) == (MOMENT,)


@pytest.mark.parametrize(
    ("cursor", "kind"),
    [
        ("", str),
        ("!!", str),
        ("é", str),
        ("eyJhIjoxfQ", str),
        ("MQ", str),
        ("W10", str),
        (encode_cursor("alerts", "a"), str),
        (encode_cursor("a"), str),
        (encode_cursor("documents"), str),
        (encode_cursor("documents", "a", "b"), str),
        (encode_cursor("documents", 1), str),
        (encode_cursor("documents", "d\x001"), str),
        (encode_cursor("documents", "1"), int),
        (encode_cursor("documents", True), int),
        (encode_cursor("documents", -1), int),
        (encode_cursor("documents", 2**31), int),
        (encode_cursor("documents", 1), datetime),
        (encode_cursor("documents", "noon"), datetime),
        (encode_cursor("documents", "2026-01-05T07:30:00"), datetime),
        (encode_cursor("documents", "0001-01-01T00:00:00+14:00"), datetime),
        (encode_cursor("documents", "9999-12-31T23:59:59-14:00"), datetime),
    ],
)
def test_what_the_list_did_not_give_out_is_refused_by_name(cursor: str, kind: Kind) -> None:
    with pytest.raises(BadRequest) as refused:
        decode_cursor("documents", cursor, kind)
    assert refused.value.param == "cursor"
