"""Item-kNN: cosine of two items' people (Sarwar et al. 2001), shrunk where few people speak (Bell, Koren 2007)."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp


@dataclass(frozen=True, slots=True)
class ItemKnnConfig:
    """`shrinkage` is added to the denominator."""

    shrinkage: float = 100.0


def fit_item_knn(interactions: sp.csr_matrix, config: ItemKnnConfig) -> sp.csr_matrix:
    """Item x item similarities, symmetric, the diagonal empty. `interactions` is people x items."""
    together = sp.csr_matrix(interactions.T @ interactions)
    size = np.sqrt(together.diagonal())
    return shrunk_cosine(together, size, config.shrinkage)


def shrunk_cosine(together: sp.csr_matrix, size: np.ndarray, shrinkage: float) -> sp.csr_matrix:
    """together[i, j] / (size[i] * size[j] + shrinkage), without the diagonal."""
    pairs = together.tocoo()
    apart = pairs.row != pairs.col
    row, column, value = pairs.row[apart], pairs.col[apart], pairs.data[apart]
    similarity = value / (size[row] * size[column] + shrinkage)
    return sp.csr_matrix((similarity.astype(np.float32), (row, column)), shape=together.shape)
