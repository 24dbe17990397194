"""Control charts of one topic: a CUSUM of log likelihood ratios, an EWMA of residuals, and what the last hours must show. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from services.intent.monitor.counts import wilson

Detector = Literal["ewma", "cusum"]

Z_LOW, Z_HIGH = -3.0, 6.0
"""A single hour counts for no more than this in the EWMA, so that it comes back soon after it."""

CUSUM_CAP = 1.5
"""Times its limit: however much speaks for a surge, a few normal hours end it."""


@dataclass(frozen=True, slots=True)
class DetectorConfig:
    """Settings of the detectors; the defaults were chosen on simulated streams, see docs/monitor.md.

    Weeks of baseline, at most and at least. CUSUM: the size of surge whose likelihood is held against the normal one, and the limit
    in nats: with a known baseline no false alarm in e^limit hours on average (Lorden 1971). EWMA: weight of an hour, limit in
    its standard deviations. What the last one to `evidence_hours` hours must show: negatives, their ratio to the expected, and
    the odds of the Wilson bound at `wilson_z` to the usual odds. A surge is over after `calm_hours` with the EWMA below
    `calm_level` and the CUSUM below its limit; what lasts beyond `longest_surge_h` begins to become normal.
    """

    baseline_weeks: int = 8
    least_weeks: int = 4
    surge_size: float = 2.5
    cusum_limit: float = 7.5
    ewma_weight: float = 0.5
    ewma_limit: float = 4.5
    least_negatives: int = 8
    least_ratio: float = 1.5
    least_odds: float = 1.5
    wilson_z: float = 1.645
    evidence_hours: int = 3
    calm_level: float = 1.0
    calm_hours: int = 4
    longest_surge_h: int = 168


def odds(share: float) -> float:
    return share / (1 - share) if share < 1 else math.inf


@dataclass(frozen=True, slots=True)
class Counted:
    """What one hour, or a part of it, has, beside the expected negatives and their usual share."""

    documents: int
    negatives: int
    expected: float
    share: float


@dataclass(frozen=True, slots=True)
class Hour(Counted):
    """One hour, or what there is of it, held against its baseline.

    `deviation` is that of the negatives, `z` their residual, `log_ratio` the log likelihood ratio of a surge, in nats.
    """

    deviation: float
    z: float
    log_ratio: float


@dataclass(frozen=True, slots=True)
class Charts:
    """An EWMA (Roberts 1959) and an upper CUSUM (Page 1954), `hours` since the CUSUM was last at 0, and the last hours."""

    config: DetectorConfig
    ewma: float = 0.0
    cusum: float = 0.0
    hours: int = 0
    seen: int = 0
    recent: tuple[Hour, ...] = ()

    def step(self, hour: Hour) -> "Charts":
        """The charts after one more hour; these stay as they are."""
        weight = self.config.ewma_weight
        cusum = min(max(0.0, self.cusum + hour.log_ratio), CUSUM_CAP * self.config.cusum_limit)
        return Charts(
            self.config,
            ewma=weight * min(max(hour.z, Z_LOW), Z_HIGH) + (1 - weight) * self.ewma,
            cusum=cusum,
            hours=self.hours + 1 if cusum > 0 else 0,
            seen=self.seen + 1,
            recent=(*self.recent, hour)[-self.config.evidence_hours :],
        )

    def alarm(self) -> tuple[Detector, ...]:
        """The detectors that fire; none unless the last hours bear it out.

        The EWMA's limit is in its own standard deviations (Montgomery, Statistical Quality Control).
        """
        weight = self.config.ewma_weight
        deviation = math.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * self.seen)))
        found: list[Detector] = []
        if self.ewma > self.config.ewma_limit * deviation:
            found.append("ewma")
        if self.cusum > self.config.cusum_limit:
            found.append("cusum")
        return tuple(found) if found and _borne_out(self.recent, self.config) else ()

    def could_alarm(self, hour: Counted) -> bool:
        """Whether an alarm would be borne out by the last hours, were `hour` the next: known without its residual and ratio."""
        return _borne_out((*self.recent, hour)[-self.config.evidence_hours :], self.config)

    def is_calm(self) -> bool:
        return self.ewma < self.config.calm_level and self.cusum < self.config.cusum_limit

    def onset(self) -> int:
        """Hours since the CUSUM rose from 0, the present one included; from 1 to 6."""
        return max(1, min(self.hours, 6))


def _borne_out(hours: Sequence[Counted], config: DetectorConfig) -> bool:
    """In one, two or three last hours: enough negatives, enough over the expected, and odds that are surely above the usual.

    A surge of the negative alone multiplies the odds of a document being negative by its own size, whatever the usual share.
    """
    for number in range(1, len(hours) + 1):
        window = hours[-number:]
        negatives, documents = sum(each.negatives for each in window), sum(each.documents for each in window)
        if negatives < max(config.least_negatives, config.least_ratio * sum(each.expected for each in window)):
            continue
        usual = sum(each.share * each.documents for each in window) / documents
        if odds(wilson(negatives, documents, config.wilson_z)[0]) > config.least_odds * odds(usual):
            return True
    return False
