"""Ages and dates as a product counts them: completed years, on the calendar of the product's timezone."""

from datetime import date, datetime
from zoneinfo import ZoneInfo


def local_date(instant: datetime, timezone: str) -> date:
    """The calendar day of an aware instant in an IANA timezone."""
    return instant.astimezone(ZoneInfo(timezone)).date()


def completed_years(birth: date, on: date) -> int:
    """Age at last birthday. Who was born on 29 February completes a year on 1 March of a common year.

    Raises ValueError when `birth` lies after `on`.
    """
    if birth > on:
        raise ValueError("a birth date cannot lie in the future")
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))
