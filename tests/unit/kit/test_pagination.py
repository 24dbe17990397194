"""Cursors of lists by time: what is not one of ours is told so, whatever it holds."""

from datetime import UTC, datetime

import pytest

from services.intent.monitor.documents import moment_and_id
from services.kit.errors import BadRequest
from services.kit.pagination import encode_cursor


def test_a_cursor_is_read_as_it_was_written() -> None:
    moment = datetime(2026, 1, 5, 7, 30, 1, 5, tzinfo=UTC)
    assert moment_and_id(encode_cursor(moment.isoformat(), "文档 1")) == (moment, "文档 1")


@pytest.mark.parametrize(
    ("moment", "name"),
    [
        ("noon", "d1"),
        ("2026-01-05T07:30:00", "d1"),
        ("0001-01-01T00:00:00+14:00", "d1"),
        ("9999-12-31T23:59:59-14:00", "d1"),
        ("2026-01-05T07:30:00+00:00", "d\x001"),
    ],
)
def test_what_no_list_gave_out_is_refused(moment: str, name: str) -> None:
    with pytest.raises(BadRequest):
        moment_and_id(encode_cursor(moment, name))
