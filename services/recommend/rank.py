"""From scores to a short list: which items may appear, in which order, and what put each of them there. Pure numpy."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from services.recommend.blend import Source

Mask = npt.NDArray[np.bool_]
EvidenceKind = Literal["because_of", "follows", "resembles", "category", "popular", "popular_in_category"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why an item is shown: the item of the history or the category that gave most, or its popularity."""

    kind: EvidenceKind
    item_id: str | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Ranked:
    """One place of a list. `score` is comparable between people (see `Blend.shown`); `source` is what contributed most."""

    item_id: str
    score: float
    source: Source
    evidence: Evidence


def best(scores: npt.NDArray[np.float32], shown: Mask, limit: int) -> npt.NDArray[np.int64]:
    """Rows of the `limit` largest scores among `shown`, best first; of equals the first row."""
    candidates = np.flatnonzero(shown)
    if limit <= 0 or not candidates.size:
        return np.zeros(0, np.int64)
    values = scores[candidates]
    if candidates.size > limit:
        # Everything as good as the last place is kept, so that ties are decided by row and not by the partition.
        threshold = -np.partition(-values, limit - 1)[limit - 1]
        kept = values >= threshold
        candidates, values = candidates[kept], values[kept]
    return candidates[np.argsort(-values, kind="stable")][:limit]
