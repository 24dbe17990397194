"""Choosing what a closed form cannot learn, cheaply: on the head of the catalogue, where one EASE takes a fraction of a second."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from training.recommend.batch import top_items
from training.recommend.ease import EaseConfig, ease_of_gram
from training.recommend.histories import Histories, Ints
from training.recommend.item_knn import ItemKnnConfig
from training.recommend.metrics import hits, person_metrics
from training.recommend.sources import SourcesConfig, learning_matrix

Dense = npt.NDArray[np.float32]
C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class TuningConfig:
    """What is tried, on how many items and people."""

    half_lives_days: tuple[float, ...] = (60.0, 180.0, 540.0, 100_000.0)
    regularisations: tuple[float, ...] = (20.0, 50.0, 100.0, 200.0, 500.0)
    shrinkages: tuple[float, ...] = (10.0, 30.0, 100.0, 300.0)
    head_items: int = 1_500
    people: int = 2_000
    k: int = 10


@dataclass(frozen=True, slots=True)
class Tuned:
    """The choice, and the validation NDCG of everything tried, by name."""

    sources: SourcesConfig
    half_life_days: float
    tried: dict[str, float]


class Head:
    """Validation on the most popular items: what people had, and what they took next."""

    def __init__(self, early: Histories, late: Histories, config: TuningConfig, *, seed: int) -> None:
        people = np.bincount(early.items, minlength=early.n_items)
        inside = np.zeros(early.n_items, np.bool_)
        inside[np.argsort(-people, kind="stable")[: config.head_items]] = True
        inside &= people > 0
        row = np.cumsum(inside) - 1
        self.early = _narrowed(early, inside, row)
        self.late = _narrowed(late, inside, row)
        able = np.flatnonzero((self.early.lengths > 0) & (self.late.lengths > 0))
        self.people: Ints = np.sort(np.random.default_rng(seed).permutation(able)[: config.people])
        self._k = config.k

    def ndcg(self, weights: Dense, half_life_days: float) -> float:
        """Mean NDCG@k of one item-item matrix over the sampled people."""
        had = self.early.of(self.people)
        scores = np.asarray(had.matrix(had.weights * had.recency(half_life_days)) @ weights, np.float32)
        scores[had.owners, had.items] = -np.inf
        hit = hits(top_items(scores, self._k), self.late, self.people)
        return float(person_metrics(hit, self.late.lengths[self.people], self._k).ndcg.mean())


def tune(early: Histories, late: Histories, sources: SourcesConfig, config: TuningConfig, *, seed: int) -> Tuned:
    """The half-life first, then EASE's regularisation and item-kNN's shrinkage with it. Without people nothing changes."""
    head = Head(early, late, config, seed=seed)
    half_life = sources.learn_half_life_days
    if not len(head.people):
        return Tuned(sources, half_life, {})
    tried: dict[str, float] = {}

    def ease(days: float, regularisation: float) -> float:
        gram = _gram(head.early, replace(sources, learn_half_life_days=days))
        return head.ndcg(ease_of_gram(gram, EaseConfig(regularisation)), days)

    def knn(shrinkage: float) -> float:
        gram = _gram(head.early, replace(sources, learn_half_life_days=half_life))
        size = np.sqrt(np.diag(gram))
        similarity = np.asarray(gram / (np.outer(size, size) + np.float32(shrinkage)), np.float32)
        similarity[np.diag_indices_from(similarity)] = 0
        return head.ndcg(similarity, half_life)

    half_life = _choose("half-life", config.half_lives_days, lambda it: ease(it, sources.ease.regularisation), tried)
    regularisation = _choose("EASE", config.regularisations, lambda it: ease(half_life, it), tried)
    shrinkage = _choose("item-kNN", config.shrinkages, knn, tried)
    chosen = replace(
        sources,
        learn_half_life_days=half_life,
        ease=EaseConfig(regularisation),
        item_knn=ItemKnnConfig(shrinkage),
    )
    return Tuned(chosen, half_life, tried)


def _choose(name: str, options: Sequence[C], measure: Callable[[C], float], tried: dict[str, float]) -> C:
    found = [measure(option) for option in options]
    tried.update({f"{name} {option:g}": value for option, value in zip(options, found, strict=True)})
    return options[int(np.argmax(found))]


def _gram(histories: Histories, config: SourcesConfig) -> Dense:
    learned: sp.csr_matrix = learning_matrix(histories, config)
    return np.asfortranarray((learned.T @ learned).toarray(), dtype=np.float32)


def _narrowed(histories: Histories, inside: npt.NDArray[np.bool_], row: Ints) -> Histories:
    kept = histories.kept(inside[histories.items])
    return Histories(kept.start, row[kept.items], kept.moments, kept.weights, n_items=int(inside.sum()))
