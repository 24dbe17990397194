"""Hours in which a stream did not run, which are no calm hours: no document of any topic came where some surely would have. Pure."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.intent.monitor.hours import DAY, WEEK

SURELY = 20.0
"""Documents that would have come in a row of empty hours: chance alone leaves out so many once in e^20 times."""


def gaps(documents: NDArray[np.int64], hour_of_week: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Of the documents of all topics in consecutive hours and their hour of the week, shape (hours,), the hours that lie in a gap.

    A gap is a row of empty hours that is a day long, or in which `SURELY` documents come in other weeks.
    """
    empty = documents == 0
    row = np.cumsum(np.diff(empty, prepend=~empty[:1]))
    long = _each(row, empty) >= DAY
    ran = ~long
    sums, hours = (np.bincount(hour_of_week[ran], each[ran], WEEK) for each in (documents, np.ones(len(documents))))
    usual = sums / np.maximum(hours, 1.0)
    return np.asarray(empty & (long | (_each(row, usual[hour_of_week] * empty) >= SURELY)))


def _each(row: NDArray[Any], values: NDArray[Any]) -> NDArray[np.float64]:
    """The sum over the row that an hour is in, shape (hours,)."""
    return np.asarray(np.bincount(row, values)[row], dtype=np.float64)
