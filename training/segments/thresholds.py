"""Thresholds of traits from the population: where the top share begins, never a fixed number."""

from collections.abc import Mapping

import numpy as np

from services.profile.segments import LikesModel
from training.segments.population import Floats, Population

TOP_SHARE: Mapping[str, tuple[str, float]] = {
    "is_high_spender": ("spend", 0.20),
    "is_frequent_buyer": ("purchases", 0.20),
    "is_price_sensitive": ("price_sensitivity", 0.25),
    "is_night_owl": ("night_share", 0.15),
    "is_finisher": ("completion", 0.25),
}
"""By trait: the feature, and which share of those who have any of it may at most carry the trait."""

MINIMUM_PEOPLE = 20
"""Fewer than this are no population to stand out from."""

LIKES_QUANTILE = 0.5
LIKES_MINIMUM_EVENTS = 2
"""One event is a visit, not a liking."""


def trait_thresholds(people: Population) -> dict[str, float | None]:
    """By trait the value from which on it holds; None where nobody stands out."""
    return {trait: top_share_threshold(people.columns[feature], share) for trait, (feature, share) in TOP_SHARE.items()}


def top_share_threshold(values: Floats, share: float) -> float | None:
    """The smallest observed value that at most `share` of the positive `values` reach; None where there is none.

    With ties a plain quantile would crown everybody: three quarters of all buyers bought once.
    """
    positive = values[np.isfinite(values) & (values > 0)]
    if positive.size < MINIMUM_PEOPLE:
        return None
    distinct, counts = np.unique(positive, return_counts=True)
    reached_by = counts[::-1].cumsum()[::-1] / positive.size
    standing_out = distinct[reached_by <= share]
    return float(standing_out[0]) if standing_out.size else None


def likes_thresholds(people: Population) -> dict[str, LikesModel]:
    """By domain the share from which on somebody likes it: the median share among those with any interest in it.

    Here a tie at the top is meant: whoever cares for one domain alone likes it.
    """
    found = {}
    for domain, shares in people.shares.items():
        interested = shares[shares > 0]
        if interested.size >= MINIMUM_PEOPLE:
            share = float(np.quantile(interested, LIKES_QUANTILE))
            found[domain] = LikesModel(share=share, minimum_events=LIKES_MINIMUM_EVENTS)
    return found
