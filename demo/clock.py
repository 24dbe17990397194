"""From days relative to the load to points in time, by the clock of Shanghai."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_ZONE = ZoneInfo("Asia/Shanghai")
_DAY_MS = 86_400_000


class Calendar:
    """Day -1 is today, squeezed into the part of it that has passed; so the order holds and nothing is in the future."""

    def __init__(self, end: datetime) -> None:
        """`end` is the moment of the load, with a timezone."""
        midnight = end.astimezone(_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
        self.end = end
        self._midnight_ms = int(midnight.timestamp() * 1000)
        self._passed = (end.timestamp() * 1000 - self._midnight_ms) / _DAY_MS

    def epoch_ms(self, day: float) -> int:
        """Milliseconds since 1970 of a negative `day`."""
        if day >= -1:
            return self._midnight_ms + int((day + 1) * self._passed * _DAY_MS)
        return self._midnight_ms + int((day + 1) * _DAY_MS)

    def published_at(self, day: int) -> datetime:
        """Publication dates keep the load's time of day: a second load reads the first one's moment from them."""
        return self.end + timedelta(days=day)
