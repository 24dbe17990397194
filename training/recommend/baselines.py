"""The rivals that every evaluation shows: popularity, item-kNN and EASE, unweighted and untuned, on the same candidates."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from training.recommend.ease import EaseConfig, fit_ease
from training.recommend.histories import Histories, Ints
from training.recommend.item_knn import ItemKnnConfig, fit_item_knn

Dense = npt.NDArray[np.float32]
Scorer = Callable[[Ints], Dense]
EASE = EaseConfig(regularisation=50.0)
ITEM_KNN = ItemKnnConfig(shrinkage=20.0)
KNN_NEIGHBOURS = 200
EASE_MOST_ITEMS = 20_000


def fit_baselines(train: Histories) -> Mapping[str, Scorer]:
    """By name: people -> people x items scores. EASE is left out above `EASE_MOST_ITEMS` items, where it would not fit in memory.

    Item-kNN keeps the 200 nearest items of each recommended item.
    """
    seen = train.matrix(np.ones(len(train.items)))
    popularity = np.bincount(train.items, minlength=train.n_items).astype(np.float32)
    nearest = _nearest(fit_item_knn(seen, ITEM_KNN), KNN_NEIGHBOURS)
    scorers: dict[str, Scorer] = {
        "popularity": lambda people: np.tile(popularity, (len(people), 1)),
        "item_knn": lambda people: np.asarray((seen[people] @ nearest).toarray(), np.float32),
    }
    if train.n_items <= EASE_MOST_ITEMS:
        weights = fit_ease(seen, EASE)
        scorers["ease"] = lambda people: np.asarray(seen[people] @ weights, np.float32)
    return scorers


def _nearest(similarity: sp.csr_matrix, keep: int) -> sp.csr_matrix:
    """The `keep` largest of each column."""
    columns = sp.csc_matrix(similarity)
    for column in range(columns.shape[1]):
        part = columns.data[columns.indptr[column] : columns.indptr[column + 1]]
        if len(part) > keep:
            part[part < np.partition(part, len(part) - keep)[len(part) - keep]] = 0
    columns.eliminate_zeros()
    return sp.csr_matrix(columns)
