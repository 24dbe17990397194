"""The population as columns, read from the rows of profile's feature export."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEGMENT_COLUMNS = ("recency_days", "events", "events_30d", "purchases", "spend")
"""Recency, frequency, monetary value and current engagement, as profile names them."""

TRAIT_COLUMNS = ("spend", "purchases", "price_sensitivity", "night_share", "completion")

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Population:
    """People in the order of their rows. Arrays have one entry a person; NaN where a feature is not known of somebody."""

    user_ids: list[str]
    columns: dict[str, Floats]
    shares: dict[str, Floats]  # by domain: its share of the person's interest, 0 where there is none
    domain_events: dict[str, Floats]
    as_of: datetime | None  # the moment that the features were read at

    @property
    def size(self) -> int:
        return len(self.user_ids)

    def points(self) -> Floats:
        """log1p of SEGMENT_COLUMNS: shape (people, columns)."""
        return np.log1p(np.column_stack([self.columns[name] for name in SEGMENT_COLUMNS]).reshape(self.size, -1))


def read_population(rows: Iterable[Mapping[str, Any]]) -> Population:
    """Raises ValueError naming the row and field when a row is not one of profile's export."""
    held = list(rows)
    try:
        names = sorted({*SEGMENT_COLUMNS, *TRAIT_COLUMNS})
        columns = {name: _column(held, name) for name in names}
        user_ids = [str(row["user_id"]) for row in held]
        moments = [datetime.fromisoformat(row["as_of"]) for row in held]
        shares = _by_domain(held, "interests")
        counts = _by_domain(held, "domain_events")
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a row of profile's feature export: {error}") from error
    for name in SEGMENT_COLUMNS:
        wrong = ~(np.isfinite(columns[name]) & (columns[name] >= 0))
        if wrong.any():
            raise ValueError(f"row {int(wrong.argmax()) + 1}: {name} is missing or negative")
    return Population(user_ids, columns, shares, counts, max(moments, default=None))


def _column(rows: list[Mapping[str, Any]], name: str) -> Floats:
    return np.array([np.nan if row[name] is None else float(row[name]) for row in rows], dtype=np.float64)


def _by_domain(rows: list[Mapping[str, Any]], name: str) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    for place, row in enumerate(rows):
        for domain, value in row[name].items():
            if domain not in found:
                found[domain] = np.zeros(len(rows))
            found[domain][place] = float(value)
    return dict(sorted(found.items()))
