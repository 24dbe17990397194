"""Classes of embeddings as normal distributions: linear discriminants, and how far a text is from each class."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.intent.trained.confidence import Floats
from training.intent.metrics import Integers

LEAST_VARIANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Normals:
    """Normal distributions of one covariance S, and where all rows are in the middle.

    `whitening`, of shape (width, width), is L with L Lᵀ = S⁻¹; `means`, of shape (classes, width), are the classes' means times L,
    `middle`, of shape (width,), is the mean of all rows times L.
    """

    whitening: Floats
    means: Floats
    middle: Floats

    def likelihoods(self, embeddings: Floats) -> Floats:
        """How likely each text is in each class: log densities but for what all classes share, shape (rows, classes)."""
        return np.asarray(embeddings @ self.whitening @ self.means.T - (self.means**2).sum(axis=1) / 2)

    def relative(self) -> tuple[Floats, Floats]:
        """Weights, (width, classes), and offsets, (classes,), of a text's squared Mahalanobis distances less that to the middle.

        How far a text is from everything cancels out, which says little of what is next to the known (Ren et al. 2021).
        """
        offsets = (self.means**2).sum(axis=1) - self.middle @ self.middle
        return -2 * self.whitening @ (self.means - self.middle).T, offsets


def fit_normals(embeddings: Floats, truth: Integers, present: Sequence[int] | Integers, *, shrinkage: float) -> Normals:
    """The means of the classes `present`, each of which has a row, and their common covariance (Lee et al. 2018; for intents Podolskiy
    et al. 2021).

    The covariance is drawn towards the identity by `shrinkage` of its mean variance, since rows are few for its width.
    """
    means = np.stack([embeddings[truth == index].mean(axis=0) for index in present])
    spread = np.concatenate([embeddings[truth == index] - mean for index, mean in zip(present, means, strict=True)])
    covariance = spread.T @ spread / len(spread)
    width = len(covariance)
    covariance += shrinkage * max(np.trace(covariance) / width, LEAST_VARIANCE) * np.eye(width)
    whitening = np.linalg.cholesky(np.linalg.inv(covariance))
    return Normals(whitening, means @ whitening, embeddings.mean(axis=0) @ whitening)
