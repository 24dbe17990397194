"""EASE: a linear autoencoder with a closed form (Steck 2019, arXiv 1905.03375)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.sparse as sp

Dense = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class EaseConfig:
    """`regularisation` is the paper's lambda, in interactions."""

    regularisation: float = 100.0


def fit_ease(interactions: sp.csr_matrix, config: EaseConfig) -> Dense:
    """Item x item weights B; row i is what having item i says of every other, the diagonal 0.

    `interactions` is people x items. B = I - P / diag(P) with P the inverse of X'X + lambda I, here by Cholesky in place, which
    takes a third of a general inverse. Raises LinAlgError where X'X + lambda I is not positive definite.
    """
    gram = np.asfortranarray((interactions.T @ interactions).toarray(), dtype=np.float32)
    return ease_of_gram(gram, config)


def ease_of_gram(gram: Dense, config: EaseConfig) -> Dense:
    """As `fit_ease`, from X'X in Fortran order, which is overwritten."""
    gram[np.diag_indices_from(gram)] += np.float32(config.regularisation)
    factor, failed = scipy.linalg.lapack.spotrf(gram, lower=1, overwrite_a=1, clean=1)
    if failed:
        raise np.linalg.LinAlgError(f"not positive definite with lambda {config.regularisation}")
    inverse, _ = scipy.linalg.lapack.spotri(factor, lower=1, overwrite_c=1)
    # LAPACK gives one triangle, the other one is zero; of a symmetric matrix the transpose is the same with contiguous rows.
    weights: Dense = inverse.T
    diagonal = np.diag(weights).copy()
    weights += np.tril(inverse, -1)
    weights /= -diagonal
    weights[np.diag_indices_from(weights)] = 0
    return weights
