"""k-means on log-scaled recency, frequency, monetary value and engagement, with labels that stay put across refits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from services.profile.segments import SegmentsModel
from training.segments.population import SEGMENT_COLUMNS, Floats, Population, read_population
from training.segments.thresholds import likes_thresholds, trait_thresholds

THREE_LABELS = ("active", "semi-active", "inactive")
RESTARTS = 10
"""Random starts, where tiers of activity do not tell k groups apart: people who are nearly all alike."""

_DIRECTION = np.array([-1.0 if name == "recency_days" else 1.0 for name in SEGMENT_COLUMNS])
"""Which way each column points at activity: only a long silence points away from it."""


@dataclass(frozen=True, slots=True)
class SegmentSummary:
    """What a segment is, for people: its size and its centre in natural units."""

    label: str
    people: int
    share: float
    centre: dict[str, float]


@dataclass(frozen=True, slots=True)
class FittedSegments:
    """The model that profile serves, and how it came about. `assigned` is the row of the centroid of each person."""

    model: SegmentsModel
    summary: list[SegmentSummary]
    metadata: dict[str, Any]
    assigned: NDArray[np.intp]

    def save(self, folder: Path) -> None:
        """`model.json`, which profile loads, and `summary.json`, which explains it."""
        (folder / "model.json").write_bytes(orjson.dumps(self.model.model_dump(mode="json")))
        summary = {"segments": self.summary, **self.metadata}
        (folder / "summary.json").write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2))


def fit(
    rows: Iterable[Mapping[str, Any]], *, seed: int = 0, k: int = 3, fitted_at: datetime | None = None
) -> FittedSegments:
    """Fit segments and trait thresholds to the rows of profile's feature export, all read at one moment.

    With fewer than `k` people who differ there are no segments: the model says None for everybody, and `metadata["reason"]`
    says why. Raises ValueError for k < 2 and for rows that are not of the export.
    """
    if k < 2:
        raise ValueError("k is at least 2: one segment tells nobody apart")
    people = read_population(rows)
    mean, scale, points = _standardised(people)
    centroids, assigned = _cluster(points, k, seed)
    lag_s = max(0.0, ((fitted_at or datetime.now(UTC)) - people.as_of).total_seconds()) if people.as_of else 0.0
    model = SegmentsModel(
        columns=list(SEGMENT_COLUMNS),
        mean=mean.tolist(),
        scale=scale.tolist(),
        centroids=centroids.tolist(),
        labels=_labels(len(centroids)),
        thresholds=trait_thresholds(people),
        likes=likes_thresholds(people),
        lag_s=lag_s,
    )
    summary = _summary(model, assigned, people.size)
    return FittedSegments(model, summary, _metadata(people, model, summary, seed, k), assigned)


def _standardised(people: Population) -> tuple[Floats, Floats, Floats]:
    """Mean and scale of each column, and the points on that scale. A column that is the same for everybody counts nothing."""
    points = people.points() if people.size else np.zeros((0, len(SEGMENT_COLUMNS)))
    if not people.size:
        return np.zeros(len(SEGMENT_COLUMNS)), np.ones(len(SEGMENT_COLUMNS)), points
    mean, scale = points.mean(axis=0), points.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    return mean, scale, (points - mean) / scale


def _cluster(points: Floats, k: int, seed: int) -> tuple[Floats, NDArray[np.intp]]:
    """Centroids, shape (k, columns), the most active first, and the centroid of each point; none where fewer than k differ."""
    if len(np.unique(points.round(9), axis=0)) < k:
        return np.zeros((0, points.shape[1])), np.full(len(points), -1, dtype=np.intp)
    start = _tiers(points, k)
    told_apart = len(np.unique(start.round(9), axis=0)) == k
    began: dict[str, Any] = {"init": start, "n_init": 1} if told_apart else {"init": "k-means++", "n_init": RESTARTS}
    found = KMeans(n_clusters=k, random_state=seed, **began).fit(points)
    centroids: Floats = found.cluster_centers_
    order = np.argsort(-(centroids @ _DIRECTION), kind="stable")
    return centroids[order], np.argsort(order)[found.labels_]


def _tiers(points: Floats, k: int) -> Floats:
    """The means of k groups of like size along activity, shape (k, columns): where k-means starts.

    From random starts the least inertia is now one solution, now another that is as good to a thousandth and divides people
    otherwise: the demo's did so with the hour of the day, and with it everybody's label. From tiers it ends in the same one (after
    Su and Dy 2004).
    """
    order = np.argsort(-(points @ _DIRECTION), kind="stable")
    return np.stack([points[group].mean(axis=0) for group in np.array_split(order, k)])


def _labels(k: int) -> list[str]:
    """Three have names; other numbers are tiers, `tier-1` the most active."""
    return list(THREE_LABELS) if k == len(THREE_LABELS) else [f"tier-{place}" for place in range(1, k + 1)]


def _summary(model: SegmentsModel, assigned: NDArray[np.intp], people: int) -> list[SegmentSummary]:
    summaries = []
    for place, label in enumerate(model.labels):
        size = int((assigned == place).sum())
        natural = np.expm1(np.array(model.centroids[place]) * model.scale + model.mean)
        centre = {name: round(float(value), 3) for name, value in zip(model.columns, natural, strict=True)}
        summaries.append(SegmentSummary(label, size, round(size / people, 4), centre))
    return summaries


def _metadata(
    people: Population, model: SegmentsModel, summary: list[SegmentSummary], seed: int, k: int
) -> dict[str, Any]:
    return {
        "people": people.size,
        "k": k,
        "seed": seed,
        "as_of": people.as_of.isoformat() if people.as_of else None,
        "sizes": {each.label: each.people for each in summary},
        "traits": sum(threshold is not None for threshold in model.thresholds.values()) + len(model.likes),
        "reason": None if summary else f"fewer than {k} people who differ",
    }
