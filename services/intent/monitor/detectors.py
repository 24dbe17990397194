"""Control charts over standardised residuals: EWMA and CUSUM, one of each for counts and for shares. Pure."""

import math
from dataclasses import dataclass, field

from services.intent.monitor.counts import wilson

Z_LOW, Z_HIGH = -3.0, 6.0
"""A single hour counts for no more than this, so that a chart comes back soon after it."""


@dataclass(frozen=True, slots=True)
class DetectorConfig:
    """Settings of the detectors; the defaults were chosen on simulated streams, see docs/monitor.md.

    Weeks of baseline, at most and at least. EWMA: weight of an hour, limit in its standard deviations. CUSUM: slack and limit. What
    the last one to `evidence_hours` hours must show: negatives, their ratio to the expected, and the odds of the Wilson bound at
    `wilson_z` to the usual odds. A surge is over after `calm_hours` with both EWMAs below `calm_level`; what lasts beyond
    `longest_surge_h` becomes normal.
    """

    baseline_weeks: int = 8
    least_weeks: int = 4
    ewma_weight: float = 0.5
    ewma_limit: float = 3.6
    cusum_slack: float = 1.0
    cusum_limit: float = 6.0
    least_negatives: int = 12
    least_ratio: float = 1.5
    least_odds: float = 1.75
    wilson_z: float = 1.645
    evidence_hours: int = 3
    calm_level: float = 1.0
    calm_hours: int = 4
    longest_surge_h: int = 168


def odds(share: float) -> float:
    return share / (1 - share) if share < 1 else math.inf


@dataclass(slots=True)
class Chart:
    """One residual's EWMA (Roberts 1959) and upper CUSUM (Page 1954); `hours` since the CUSUM was last at 0."""

    ewma: float = 0.0
    cusum: float = 0.0
    hours: int = 0
    seen: int = 0

    def step(self, z: float, config: DetectorConfig) -> "Chart":
        """The chart after an hour with residual `z`; this one stays as it is."""
        bounded, weight = min(max(z, Z_LOW), Z_HIGH), config.ewma_weight
        cusum = max(0.0, self.cusum + bounded - config.cusum_slack)
        return Chart(
            ewma=weight * bounded + (1 - weight) * self.ewma,
            cusum=min(cusum, 2 * config.cusum_limit),
            hours=self.hours + 1 if cusum > 0 else 0,
            seen=self.seen + 1,
        )

    def fired(self, config: DetectorConfig) -> list[str]:
        """Which limits are passed; the EWMA's is in its own standard deviations (Montgomery, Statistical Quality Control)."""
        weight = config.ewma_weight
        deviation = math.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * self.seen)))
        names = []
        if self.ewma > config.ewma_limit * deviation:
            names.append("ewma")
        if self.cusum > config.cusum_limit:
            names.append("cusum")
        return names


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour held against its baseline; `deviation` is that of the negatives."""

    documents: int
    negatives: int
    expected: float
    deviation: float
    share: float
    count_z: float
    share_z: float


@dataclass(slots=True)
class Charts:
    """Both charts of one topic, and the last hours that a surge must show itself in."""

    config: DetectorConfig
    counts: Chart = field(default_factory=Chart)
    shares: Chart = field(default_factory=Chart)
    recent: list[Hour] = field(default_factory=list)

    def step(self, hour: Hour) -> "Charts":
        """The charts after one more hour."""
        return Charts(
            self.config,
            self.counts.step(hour.count_z, self.config),
            self.shares.step(hour.share_z, self.config),
            [*self.recent, hour][-self.config.evidence_hours :],
        )

    def alarm(self) -> list[str]:
        """The detectors that fire, as `share_ewma`; none unless the last hours bear it out."""
        found = [f"count_{name}" for name in self.counts.fired(self.config)]
        found += [f"share_{name}" for name in self.shares.fired(self.config)]
        return found if found and self._borne_out() else []

    def is_calm(self) -> bool:
        return max(self.counts.ewma, self.shares.ewma) < self.config.calm_level

    def onset(self) -> int:
        """Hours since the longer of the two CUSUMs rose from 0, the present one included; at least 1."""
        return max(1, min(max(self.counts.hours, self.shares.hours), 6))

    def _borne_out(self) -> bool:
        """In one, two or three last hours: enough negatives, enough over the expected, and odds that are surely above the usual.

        A surge of the negative alone multiplies the odds of a document being negative by its own size, whatever the usual share.
        """
        config = self.config
        for hours in range(1, len(self.recent) + 1):
            window = self.recent[-hours:]
            negatives, documents = sum(each.negatives for each in window), sum(each.documents for each in window)
            if negatives < max(config.least_negatives, config.least_ratio * sum(each.expected for each in window)):
                continue
            usual = sum(each.share * each.documents for each in window) / documents
            if odds(wilson(negatives, documents, config.wilson_z)[0]) > config.least_odds * odds(usual):
                return True
        return False
