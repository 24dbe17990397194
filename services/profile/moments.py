"""Points in time as callers write them, and what a skewed clock did to them."""

from datetime import UTC, datetime, timedelta

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Nothing on a platform is older: an earlier moment is a wrong unit, or the epoch of a dead clock."""

TOLERATED_FUTURE = timedelta(days=1)
"""How far ahead a live event may claim to be; it is then taken as received now. Beyond, the value is a mistake."""

_MILLISECONDS_FROM = 2e10
_EPOCH_DIGITS = 9


class InvalidMoment(ValueError):
    """Not a point in time that an event can have; the message says why and never repeats the value."""


def utc_now() -> datetime:
    """The clock of the service; tests hand in another."""
    return datetime.now(UTC)


def parse_moment(value: object) -> datetime:
    """ISO 8601 text (UTC where no offset is given), or seconds or milliseconds since 1970 as a number or digits.

    Raises InvalidMoment.
    """
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    elif isinstance(value, str):
        moment = _from_text(value.strip())
    elif isinstance(value, int | float) and not isinstance(value, bool):
        moment = _from_epoch(value)
    else:
        raise InvalidMoment("A timestamp is ISO 8601 text, or seconds or milliseconds since 1970.")
    if moment < EARLIEST:
        raise InvalidMoment("The timestamp is before 1990.")
    return moment


def _from_text(text: str) -> datetime:
    if len(text) >= _EPOCH_DIGITS and text.replace(".", "", 1).isdecimal():
        return _from_epoch(float(text))
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidMoment("The timestamp is not ISO 8601.") from error


def _from_epoch(number: float) -> datetime:
    try:
        seconds = number / 1000 if abs(number) > _MILLISECONDS_FROM else number
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidMoment("The timestamp is out of range.") from error


def repaired(timestamp: datetime | None, sent_at: datetime | None, received_at: datetime, now: datetime) -> datetime:
    """When an event happened by our clock: Segment's `timestamp + (received_at - sent_at)`, never later than `now`.

    Raises InvalidMoment beyond TOLERATED_FUTURE, or when the repair leaves the range of dates.
    """
    if timestamp is None:
        return received_at
    try:
        moment = timestamp + (received_at - sent_at) if sent_at else timestamp
    except OverflowError as error:
        raise InvalidMoment("The timestamp is out of range.") from error
    if moment < EARLIEST:
        raise InvalidMoment("The timestamp is before 1990 once the clock is corrected by sent_at.")
    return bounded(moment, now)


def bounded(moment: datetime, now: datetime) -> datetime:
    """`moment`, or `now` when it is a little in the future. Raises InvalidMoment beyond TOLERATED_FUTURE."""
    if moment > now + TOLERATED_FUTURE:
        raise InvalidMoment("The timestamp is more than a day in the future.")
    return min(moment, now)
