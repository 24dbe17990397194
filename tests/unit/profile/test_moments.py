"""Points in time as callers write them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.profile.moments import EARLIEST, InvalidMoment, bounded, parse_moment, repaired

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-10T12:00:00Z", "2026-03-10T20:00:00+08:00", "2026-03-10 12:00", "2026-03-10T12:00:00.000000",
        " 2026-03-10T12:00Z ", 1773144000, 1773144000.0, "1773144000", 1773144000000, "1773144000000", "1773144000.0", NOON,
    ],
)  # fmt: skip
def test_every_way_to_write_noon_is_noon(written):
    assert parse_moment(written) == NOON
    assert parse_moment(written).tzinfo is not None


@pytest.mark.parametrize(
    "written",
    [
        "", "yesterday", "2026-13-01", "2026-03-10T25:00:00Z", "10/03/2026", None, True, [], {}, float("nan"), float("inf"),
        1e300, -5, 0, "1989-12-31", "2026-03-10T12:00:00+25:00", "٣", "0001-01-01T00:00:00+14:00",
    ],
)  # fmt: skip
def test_what_is_no_moment_is_refused(written):
    with pytest.raises(InvalidMoment):
        parse_moment(written)


@given(st.one_of(st.text(), st.integers(), st.floats(), st.binary()))
def test_nothing_else_than_a_moment_or_a_refusal_comes_out(written):
    try:
        assert parse_moment(written) >= EARLIEST
    except InvalidMoment as error:
        assert str(error)


@pytest.mark.parametrize(
    ("timestamp", "sent_at", "expected"),
    [
        (None, None, NOON),
        (NOON - timedelta(hours=1), None, NOON - timedelta(hours=1)),
        (NOON + timedelta(hours=2), NOON + timedelta(hours=3), NOON - timedelta(hours=1)),
        (NOON - timedelta(days=400), NOON - timedelta(days=400) + timedelta(minutes=1), NOON - timedelta(minutes=1)),
        (NOON + timedelta(hours=1), None, NOON),
        (NOON, NOON - timedelta(minutes=5), NOON),
    ],
)
def test_the_clock_is_repaired(timestamp, sent_at, expected):
    assert repaired(timestamp, sent_at, NOON, NOON) == expected


def test_a_moment_far_ahead_or_repaired_out_of_range_is_refused():
    with pytest.raises(InvalidMoment):
        bounded(NOON + timedelta(days=1, seconds=1), NOON)
    with pytest.raises(InvalidMoment):
        repaired(NOON, NOON + timedelta(days=30000), NOON, NOON)
    with pytest.raises(InvalidMoment):
        repaired(datetime(9999, 12, 31, tzinfo=UTC), EARLIEST, NOON, NOON)
