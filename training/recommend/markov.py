"""What follows what: item to item transitions of people's sequences, nearer steps counting more."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from training.recommend.histories import Histories
from training.recommend.item_knn import shrunk_cosine


@dataclass(frozen=True, slots=True)
class MarkovConfig:
    """A step over `skip` - 1 other items counts 1 / skip, up to `longest_skip`."""

    longest_skip: int = 30
    shrinkage: float = 50.0


def fit_markov(histories: Histories, config: MarkovConfig) -> sp.csr_matrix:
    """Item x item; row i is what came after item i, per people of both (shrunk as item-kNN), the diagonal empty."""
    shape = (histories.n_items, histories.n_items)
    owners, items, weights, moments = histories.owners, histories.items, histories.weights, histories.moments
    followed = sp.csr_matrix(shape, dtype=np.float64)
    for skip in range(1, config.longest_skip + 1):
        same = np.flatnonzero(owners[skip:] == owners[:-skip]) if len(items) > skip else np.zeros(0, np.int64)
        if not same.size:
            break
        value = np.minimum(weights[same], weights[same + skip]) / skip
        # Of two items of one moment neither came first: each way counts half.
        forward = np.where(moments[same] == moments[same + skip], 0.5, 1.0) * value
        followed = followed + sp.csr_matrix((forward, (items[same], items[same + skip])), shape=shape)
        followed = followed + sp.csr_matrix((value - forward, (items[same + skip], items[same])), shape=shape)
    size = np.sqrt(np.bincount(items, minlength=histories.n_items))
    return shrunk_cosine(sp.csr_matrix(followed), size, config.shrinkage)
