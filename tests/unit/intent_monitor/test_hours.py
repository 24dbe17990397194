"""Hours of the week and the days of a series, as clocks show them where a tenant is."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter, ValidationError

from services.intent.monitor.hours import HOUR, Step, hour_of_week, hours_of_week, steps
from services.intent.settings import TimeZone

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize("name", ["Mars/Olympus", "Europe", "../Asia/Shanghai", "a" * 300, ""])
def test_a_zone_that_there_is_not_is_refused_by_the_settings(name: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(TimeZone).validate_python(name)


def test_hours_of_the_week_are_those_of_the_zone() -> None:
    shanghai = ZoneInfo("Asia/Shanghai")
    assert hour_of_week(MONDAY, shanghai) == 8
    assert hour_of_week(datetime(2026, 1, 4, 16, tzinfo=UTC), shanghai) == 0


@pytest.mark.parametrize(
    "name", ["UTC", "Asia/Kolkata", "Asia/Kathmandu", "Europe/London", "Australia/Lord_Howe", "America/Havana"]
)
def test_many_hours_of_the_week_are_those_of_each_hour_also_when_clocks_change(name: str) -> None:
    zone, first, number = ZoneInfo(name), datetime(2026, 1, 3, 7, tzinfo=UTC), 9_001
    assert hours_of_week(first, number, zone).tolist() == [
        hour_of_week(first + place * HOUR, zone) for place in range(number)
    ]


@pytest.mark.parametrize(
    ("name", "changes", "lengths"),
    [
        ("Europe/London", datetime(2026, 3, 29, tzinfo=UTC), [24.0, 23.0, 24.0]),
        ("Europe/London", datetime(2026, 10, 25, tzinfo=UTC), [24.0, 25.0, 24.0]),
        ("Africa/Cairo", datetime(2026, 4, 24, tzinfo=UTC), [24.0, 23.0, 24.0]),
        ("America/Santiago", datetime(2026, 9, 6, tzinfo=UTC), [24.0, 23.0, 24.0]),
        ("America/Havana", datetime(2026, 11, 1, tzinfo=UTC), [24.0, 25.0, 24.0]),
    ],
)
def test_days_are_days_when_clocks_change_also_at_midnight(name: str, changes: datetime, lengths: list[float]) -> None:
    zone = ZoneInfo(name)
    noon = changes.replace(hour=12, tzinfo=zone)
    since, until = noon - timedelta(days=1), noon + timedelta(days=1)
    days = list(steps(since, until, "1d", zone))
    assert [(end - begin) / HOUR for begin, end in days] == lengths
    assert days[-1][1].astimezone(zone).isoformat()[11:19] == "00:00:00"
    assert all(one[1] == other[0] for one, other in pairwise(days))


def test_weeks_begin_on_monday_also_when_the_first_moment_of_one_is_no_midnight() -> None:
    havana = ZoneInfo("America/Havana")
    weeks = list(steps(datetime(2026, 3, 8, 12, tzinfo=UTC), datetime(2026, 3, 20, tzinfo=UTC), "1w", havana))
    assert [begin.astimezone(havana).isoformat() for begin, _ in weeks] == [
        "2026-03-02T00:00:00-05:00",
        "2026-03-09T00:00:00-04:00",
        "2026-03-16T00:00:00-04:00",
    ]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Asia/Shanghai", "00:00"),
        ("Asia/Kolkata", "00:30"),
        ("America/St_Johns", "00:30"),
        ("Australia/Lord_Howe", "00:30"),
        ("Asia/Kathmandu", "00:45"),
        ("Pacific/Chatham", "00:45"),
    ],
)
@pytest.mark.parametrize("step", ["1d", "1w"])
def test_days_begin_with_the_first_hour_that_is_counted_for_them(name: str, shown: str, step: Step) -> None:
    zone = ZoneInfo(name)
    since = datetime(2026, 6, 1, tzinfo=zone)  # a Monday
    [(begin, end)] = steps(since, since + timedelta(days=1 if step == "1d" else 7), step, zone)
    assert f"{begin.astimezone(zone):%m-%d %H:%M}" == f"06-01 {shown}"
    assert (begin.minute, hour_of_week(begin, zone), hour_of_week(begin - HOUR, zone)) == (0, 0, 167)
    assert (hour_of_week(end, zone), end - begin) == (
        24 if step == "1d" else 0,
        timedelta(days=1 if step == "1d" else 7),
    )


def test_the_minutes_before_the_first_hour_of_a_day_are_asked_for_with_their_day() -> None:
    kolkata = ZoneInfo("Asia/Kolkata")
    since = datetime(2026, 6, 1, 0, 10, tzinfo=kolkata)
    [(begin, _)] = steps(since, since + timedelta(minutes=10), "1d", kolkata)
    assert begin == datetime(2026, 6, 1, 0, 30, tzinfo=kolkata)


@pytest.mark.parametrize("name", ["Australia/Lord_Howe", "America/St_Johns", "Pacific/Chatham", "Africa/Cairo"])
def test_every_hour_of_a_year_is_in_the_step_of_its_day(name: str) -> None:
    zone, since = ZoneInfo(name), datetime(2026, 1, 1, 12, tzinfo=UTC)
    days = list(steps(since, since + timedelta(days=365), "1d", zone))
    assert all(one[1] == other[0] for one, other in pairwise(days))
    for begin, end in days:
        hours = [begin + place * HOUR for place in range(int((end - begin) / HOUR))]
        assert {each.astimezone(zone).date() for each in hours} == {begin.astimezone(zone).date()}
