"""A person's past as the model reads it: one weighted entry per item. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.recommend.interaction import REFUNDED, WEIGHTS, Interaction

DAY_S = 86_400.0
_LEAST_WEIGHT = 1e-6
HistoryEntry = tuple[str, float, float]
"""Item, seconds since 1970, weight (see `interaction.WEIGHTS`)."""


def weighted_history(interactions: Iterable[Interaction]) -> list[HistoryEntry]:
    """One entry per item: its latest moment and its strongest interaction. What was given back counts nothing."""
    entries: dict[str, tuple[float, float]] = {}
    refunded: set[str] = set()
    for each in interactions:
        if each.type not in WEIGHTS:
            continue
        if each.type == REFUNDED:
            refunded.add(each.item_id)
        at, weight = entries.get(each.item_id, (each.occurred_at, 0.0))
        entries[each.item_id] = (max(at, each.occurred_at), max(weight, WEIGHTS[each.type]))
    return [(item, at, weight) for item, (at, weight) in entries.items() if weight > 0 and item not in refunded]


@dataclass(frozen=True, slots=True)
class Recent:
    """Known items of a history, newest last, at most `history_length`. `weights` are decayed by age before the newest."""

    rows: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.rows)


def recent_items(
    history: Sequence[HistoryEntry], index: Mapping[str, int], *, half_life_days: float, length: int
) -> Recent:
    """Without unknown items and weights of next to nothing; of one item's entries the latest moment and largest weight count."""
    found: dict[int, tuple[float, float]] = {}
    for item_id, at, weight in history:
        row = index.get(item_id)
        if row is not None and weight >= _LEAST_WEIGHT:
            old_at, old_weight = found.get(row, (at, weight))
            found[row] = (max(at, old_at), max(weight, old_weight))
    latest = sorted((at, row, weight) for row, (at, weight) in found.items())[-length:]
    rows = np.array([row for _, row, _ in latest], np.int64)
    moments = np.array([at for at, _, _ in latest], np.float64)
    weights = np.array([weight for _, _, weight in latest], np.float64)
    if len(latest):
        weights = weights * 0.5 ** ((moments[-1] - moments) / (half_life_days * DAY_S))
    return Recent(rows, weights.astype(np.float32))
