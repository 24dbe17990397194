"""What a person did with an item: which events count, how much, and what a person owns. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

VIEWED = "content_viewed"
COMPLETED = "content_completed"
RATED = "content_rated"
PURCHASED = "purchase_completed"
REFUNDED = "purchase_refunded"

WEIGHTS = {
    PURCHASED: 1.0,
    COMPLETED: 1.0,
    RATED: 0.5,
    "content_shared": 0.5,
    "content_commented": 0.4,
    VIEWED: 0.2,
    REFUNDED: 0.0,
}
"""Types of event that are interactions, and what one of them counts in popularity."""


@dataclass(frozen=True, slots=True)
class Interaction:
    """One event of one person with one item. `occurred_at` is in seconds since 1970."""

    item_id: str
    type: str
    occurred_at: float
    value: float | None = None


def owned(history: Iterable[Interaction]) -> frozenset[str]:
    """Items whose latest purchase was not refunded later. `history` may be in any order."""
    latest: dict[str, tuple[float, bool]] = {}
    for each in history:
        if each.type in {PURCHASED, REFUNDED}:
            # At one instant the refund counts: nothing is refunded before it was bought.
            latest[each.item_id] = max(latest.get(each.item_id, (float("-inf"), False)), _step(each))
    return frozenset(item_id for item_id, (_, refunded) in latest.items() if not refunded)


def _step(each: Interaction) -> tuple[float, bool]:
    return each.occurred_at, each.type == REFUNDED
