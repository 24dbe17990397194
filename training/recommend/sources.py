"""All sources of evidence learned from one set of histories, in the form that is shipped."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

from services.recommend.neighbours import Neighbours
from training.recommend.content import TextConfig, category_rows, title_rows
from training.recommend.ease import EaseConfig, fit_ease
from training.recommend.histories import Histories
from training.recommend.item_knn import ItemKnnConfig, fit_item_knn
from training.recommend.markov import MarkovConfig, fit_markov
from training.recommend.neighbour_rows import strongest_of_dense, strongest_of_sparse
from training.recommend.popularity import Popularity, PopularityConfig, fit_popularity

Stage = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SourcesConfig:
    """One config per algorithm, and what all share.

    `learn_half_life_days`: in learning, an interaction counts by its age before the person's last one. `neighbours`: entries
    kept of a row. EASE costs the cube of its items: it learns from items with `ease_support` people or more, and not at all
    where these are more than `ease_most_items`.
    """

    ease: EaseConfig = field(default_factory=EaseConfig)
    item_knn: ItemKnnConfig = field(default_factory=ItemKnnConfig)
    markov: MarkovConfig = field(default_factory=MarkovConfig)
    text: TextConfig = field(default_factory=TextConfig)
    popularity: PopularityConfig = field(default_factory=PopularityConfig)
    learn_half_life_days: float = 365.0
    learn_history: int = 500
    neighbours: int = 150
    ease_support: int = 2
    ease_most_items: int = 12_000


@dataclass(frozen=True, slots=True)
class Content:
    """Catalogue evidence, independent of what people do: see `content`."""

    categories: tuple[str, ...]
    item_categories: Neighbours
    category_items: Neighbours
    text: Neighbours


@dataclass(frozen=True, slots=True)
class Sources:
    """Row i of ease, knn and markov is what having item i says of the others."""

    content: Content
    ease: Neighbours
    knn: Neighbours
    markov: Neighbours
    popularity: Popularity
    ease_items: int
    """How many items EASE learned from; 0 where it was skipped."""

    @property
    def matrices(self) -> Mapping[str, Neighbours]:
        return {
            "ease": self.ease,
            "knn": self.knn,
            "markov": self.markov,
            "text": self.content.text,
            "category": self.content.category_items,
        }


def fit_content(titles: Sequence[str], categories: Sequence[Sequence[str]], config: TextConfig) -> Content:
    """`titles[i]` and `categories[i]` belong to item i; either may be empty."""
    names = tuple(sorted({name for named in categories for name in named}))
    item_categories, category_items = category_rows(categories, names)
    return Content(names, item_categories, category_items, title_rows(titles, config))


def learning_matrix(histories: Histories, config: SourcesConfig) -> sp.csr_matrix:
    """People x items. Entries are square roots, so that the products in X'X have the weights that are meant."""
    latest = histories.latest(config.learn_history)
    return latest.matrix(np.sqrt(latest.weights * latest.recency(config.learn_half_life_days)))


def fit_sources(histories: Histories, content: Content, config: SourcesConfig, stage: Stage) -> Sources:
    """`stage` is told what comes next."""
    stage("popularity")
    popularity = fit_popularity(histories, config.popularity)
    stage("item-kNN and transitions")
    learned = learning_matrix(histories, config)
    knn = strongest_of_sparse(fit_item_knn(learned, config.item_knn), config.neighbours)
    markov = strongest_of_sparse(fit_markov(histories.latest(config.learn_history), config.markov), config.neighbours)
    stage("EASE")
    ease, ease_items = _ease(learned, config)
    return Sources(content, ease, knn, markov, popularity, ease_items)


def _ease(learned: sp.csr_matrix, config: SourcesConfig) -> tuple[Neighbours, int]:
    size = learned.shape[1]
    people = np.bincount(learned.indices, minlength=size)
    supported = np.flatnonzero(people >= config.ease_support)
    if not 2 <= len(supported) <= config.ease_most_items:
        return Neighbours.empty(size, size), 0
    inner = strongest_of_dense(fit_ease(sp.csr_matrix(learned[:, supported]), config.ease), config.neighbours)
    lengths = np.zeros(size, np.int64)
    lengths[supported] = np.diff(inner.indptr)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    return Neighbours(indptr, supported[inner.indices].astype(np.int32), inner.values, size), len(supported)
