"""Counts of documents and what can be said of their negative share. Pure."""

import math
from dataclasses import dataclass

NINETY_FIVE = 1.959964
"""Standard normal quantile of a two-sided interval of 95 %."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Values with algebra. `documents` and `negatives` count clusters of near-duplicates, the others everything that came."""

    documents: int = 0
    negatives: int = 0
    received: int = 0
    received_negatives: int = 0
    reach: float = 0.0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.documents + other.documents,
            self.negatives + other.negatives,
            self.received + other.received,
            self.received_negatives + other.received_negatives,
            self.reach + other.reach,
        )


def wilson(successes: int, trials: int, z: float = NINETY_FIVE) -> tuple[float, float]:
    """Lower and upper bound of a share (Wilson 1927); (0, 1) without trials.

    Unlike the usual interval it says little where there is little: 3 of 3 is between .44 and 1.
    """
    if trials == 0:
        return 0.0, 1.0
    share, z2 = successes / trials, z * z
    middle = share + z2 / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials))
    scale = 1 + z2 / trials
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
