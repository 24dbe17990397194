"""A stream hour by hour as the worker of the service goes through it, with a look at the end of each quarter of an hour. Pure."""

from dataclasses import dataclass

from services.intent.monitor.detectors import Detector, DetectorConfig
from services.intent.monitor.hours import QUARTERS
from services.intent.monitor.surges import Watch
from training.monitor.simulation import Integers


def limited(cusum_limit: float | None) -> DetectorConfig:
    """The settings of the detectors, with another limit where one is given."""
    return DetectorConfig() if cusum_limit is None else DetectorConfig(cusum_limit=cusum_limit)


@dataclass(frozen=True, slots=True)
class Alarm:
    """A surge found at the end of a `quarter`, counted from the begin of the timeline; `stood` is whether the hour bore it out."""

    quarter: int
    detectors: tuple[Detector, ...]
    stood: bool

    @property
    def hour(self) -> int:
        """The place in the timeline of the hour in which it was found."""
        return (self.quarter - 1) // QUARTERS


def alarms_of(watch: Watch, documents: Integers, negatives: Integers) -> list[Alarm]:
    """Walk `watch` to the end of its timeline, whose counts are given by quarter of an hour, shape (hours, 4)."""
    so_far = documents.cumsum(axis=1), negatives.cumsum(axis=1)
    alarms: list[Alarm] = []
    for hour in range(watch.begin, len(documents)):
        calm = watch.surge is None
        early = _glances(watch, hour, *so_far) if calm else None
        watch.walk(hour + 1)
        surge = watch.surge if calm else None
        if early is not None:
            alarms.append(Alarm(*early, stood=surge is not None))
        elif surge is not None:
            alarms.append(Alarm((hour + 1) * QUARTERS, surge.detectors, stood=True))
    return alarms


def _glances(
    watch: Watch, hour: int, documents: Integers, negatives: Integers
) -> tuple[int, tuple[Detector, ...]] | None:
    """The first quarter but the last in which detectors fire."""
    for quarter in range(QUARTERS - 1):
        found = watch.glance(int(documents[hour, quarter]), int(negatives[hour, quarter]), (quarter + 1) / QUARTERS)
        if found is not None and found.detectors:
            return hour * QUARTERS + quarter + 1, found.detectors
    return None
