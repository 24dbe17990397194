"""The fitted model of segments and traits, and the scoring of one person: plain Python, a few microseconds."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Field

from services.kit.wire import MessageModel
from services.profile.features import Features


class LikesModel(MessageModel):
    """From which share of a domain on somebody likes it."""

    share: float
    minimum_events: int


class SegmentsModel(MessageModel):
    """The `segments` artifact, `model.json`: what fits write and this service reads.

    A person is scored on log1p of `columns`, standardised; the nearest centroid (row i belongs to labels[i]) is the segment.
    A trait holds from its threshold on; null: nobody stands out. `lag_s` is how far the population's last event was
    behind the clock at the fit, and people are scored on a clock that is as far behind.
    """

    columns: list[str]
    mean: list[float]
    scale: list[float]
    centroids: list[list[float]]
    labels: list[str]
    thresholds: dict[str, float | None]
    likes: dict[str, LikesModel]
    lag_s: float = Field(ge=0)


@dataclass(frozen=True, slots=True)
class Scored:
    segment: str | None
    traits: dict[str, bool]


class Scorer:
    """`SegmentsModel` made ready. Raises ValueError for a model whose parts do not fit together."""

    def __init__(self, model: SegmentsModel) -> None:
        width = len(model.columns)
        if not (len(model.mean) == len(model.scale) == width) or any(len(row) != width for row in model.centroids):
            raise ValueError("segments model: columns, mean, scale and centroids differ in width")
        if len(model.centroids) != len(model.labels) or any(scale <= 0 for scale in model.scale):
            raise ValueError("segments model: a centroid without a label, or a scale that is not positive")
        unknown = {*model.columns, *model.thresholds} - {*NUMBERS, *TRAITS}
        if unknown:
            raise ValueError(f"segments model: unknown {', '.join(sorted(unknown))}")
        self._model = model
        self._axes = list(zip(model.columns, model.mean, model.scale, strict=True))

    def score(self, features: Features) -> Scored:
        """Read on the clock of the fit: as far behind ours as the population's events were then."""
        seen = features.earlier(self._model.lag_s)
        return Scored(self._segment(seen), self._traits(seen))

    def _segment(self, features: Features) -> str | None:
        """The label of the nearest centroid. Ties go to the more active one, which comes first."""
        point = [(math.log1p(max(0.0, getattr(features, name))) - mean) / scale for name, mean, scale in self._axes]
        best, nearest = None, math.inf
        for label, centroid in zip(self._model.labels, self._model.centroids, strict=True):
            distance = math.dist(point, centroid)
            if distance < nearest:
                best, nearest = label, distance
        return best

    def _traits(self, features: Features) -> dict[str, bool]:
        traits = {
            trait: threshold is not None and _at_least(getattr(features, TRAITS[trait]), threshold)
            for trait, threshold in self._model.thresholds.items()
        }
        for domain, likes in self._model.likes.items():
            often = features.domain_events.get(domain, 0) >= likes.minimum_events
            traits[f"likes_{domain}"] = often and features.interests.get(domain, 0.0) >= likes.share
        return traits


def _at_least(value: float | None, threshold: float) -> bool:
    return value is not None and value >= threshold


NUMBERS = frozenset({"recency_days", "tenure_days", "events", "events_30d", "purchases", "spend", "spend_total"})
"""Features that a segment may be made of: never missing, never negative."""

TRAITS: Mapping[str, str] = {
    "is_high_spender": "spend",
    "is_frequent_buyer": "purchases",
    "is_price_sensitive": "price_sensitivity",
    "is_night_owl": "night_share",
    "is_finisher": "completion",
}
"""The feature behind each trait that is not about a domain."""
