"""Hours, in which documents are counted, and the longer steps into which a series is summed up. Pure."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Step = Literal["1h", "3h", "6h", "12h", "1d", "1w"]
HOUR = timedelta(hours=1)
DAY = 24
WEEK = 7 * DAY
QUARTERS = 4
STEP_HOURS: dict[Step, int] = {"1h": 1, "3h": 3, "6h": 6, "12h": 12, "1d": 24, "1w": WEEK}
_BY_THE_CLOCK = ("1d", "1w")
_MONDAY = 3 * DAY
"""Hours since Monday when 1970 began."""


def hour_of(moment: datetime) -> datetime:
    """The UTC hour that `moment` falls into."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def part_passed(moment: datetime) -> float:
    """How much of its hour has passed, in quarters begun: what is counted so far is never held against too little."""
    return (moment.astimezone(UTC).minute // 15 + 1) / QUARTERS


def hour_of_week(hour: datetime, zone: ZoneInfo) -> int:
    """0 for Monday 0:00 to 167 for Sunday 23:00, as clocks in `zone` show it."""
    local = hour.astimezone(zone)
    return local.weekday() * 24 + local.hour


def hours_of_week(first: datetime, number: int, zone: ZoneInfo) -> NDArray[np.int64]:
    """The hours of the week of `number` consecutive hours, shape (number,)."""
    local = int(first.timestamp()) + np.arange(number) * 3600 + np.array(_offsets(first, number, zone), dtype=np.int64)
    return np.asarray((local // 3600 + _MONDAY) % WEEK, dtype=np.int64)


def _offsets(first: datetime, number: int, zone: ZoneInfo) -> list[int]:
    """Seconds that clocks in `zone` are ahead of UTC in each hour: looked up twice a day, and hour by hour where they change."""
    found: list[int] = []
    for begin in range(0, number, DAY):
        hours = [first + place * HOUR for place in range(begin, min(begin + DAY, number))]
        here = _offset(hours[0], zone)
        found += [here] * len(hours) if here == _offset(hours[-1], zone) else [_offset(each, zone) for each in hours]
    return found


def _offset(hour: datetime, zone: ZoneInfo) -> int:
    offset = hour.astimezone(zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def steps(since: datetime, until: datetime, step: Step, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """The steps (begin, end) in UTC that cover [since, until), at least one. Days, and weeks from Monday on, begin with the first
    whole UTC hour of a day in `zone`: clocks show 0:00 then, in zones of half an hour or 45 minutes 0:30 or 0:45.
    """
    begin = _first(since, step, zone)
    while True:
        end = _next(begin, step, zone)
        yield begin, end
        begin = end
        if begin >= until:
            return


def _first(since: datetime, step: Step, zone: ZoneInfo) -> datetime:
    if step not in _BY_THE_CLOCK:
        return hour_of(since)
    day = since.astimezone(zone).date()
    return _begin(day if step == "1d" else day - timedelta(days=day.weekday()), zone)


def _next(begin: datetime, step: Step, zone: ZoneInfo) -> datetime:
    """By the calendar, so that a day of 23 or 25 hours stays a day."""
    if step not in _BY_THE_CLOCK:
        return begin + timedelta(hours=STEP_HOURS[step])
    return _begin(begin.astimezone(zone).date() + timedelta(days=1 if step == "1d" else 7), zone)


def _begin(day: date, zone: ZoneInfo) -> datetime:
    """The first UTC hour of a day: that of its first moment where clocks go past midnight, as in Cairo when summer time begins."""
    midnight = datetime.combine(day, time(), zone).astimezone(UTC)
    hour = hour_of(midnight)
    return hour if hour == midnight else hour + HOUR
