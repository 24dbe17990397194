"""The weights of the blend: a softmax regression on what validation people took next.

The model says that a person takes item j with probability exp(score_j) / sum over candidates. It is convex in the weights, so
there is one answer and no search; people count equally. Weights of personal evidence are not negative; those of popularity
are free, because a trend is a difference of two of them. A second fit on the hardest candidates alone brings the weights from
"what would be taken at all" to "what belongs at the top of the list", which is what is shown and measured.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Row r is one candidate of one person; person n has rows `start[n]` to `start[n + 1]`.

    `features` is rows x features, `taken` marks what the person took. Everybody has at least one row.
    """

    start: npt.NDArray[np.int64]
    features: Floats
    taken: npt.NDArray[np.bool_]

    def with_hits(self) -> "Candidates":
        """Only people who took one of their candidates: others say nothing of the weights."""
        useful = _per_person(self.taken, self.start) > 0
        lengths = np.diff(self.start)
        rows = np.repeat(useful, lengths)
        start = np.concatenate([[0], np.cumsum(lengths[useful])])
        return Candidates(start, self.features[rows], self.taken[rows])

    def hardest(self, weights: npt.NDArray[np.float64], depth: int) -> "Candidates":
        """Each person's `depth` best candidates under the given weights."""
        scores = self.features @ weights.astype(np.float32)
        lengths = np.diff(self.start)
        owner = np.repeat(np.arange(len(lengths)), lengths)
        order = np.lexsort((-scores, owner))
        rows = np.sort(order[np.arange(len(order)) - self.start[owner] < depth])
        start = np.concatenate([[0], np.cumsum(np.minimum(lengths, depth))])
        return Candidates(start, self.features[rows], self.taken[rows])


@dataclass(frozen=True, slots=True)
class BlendingConfig:
    """`trust` is how many people's word the starting weights are worth: with few people the fit stays near them.

    `hardest` candidates of each person are kept for the second fit.
    """

    trust: float = 3.0
    hardest: int = 75
    most_steps: int = 60


def fit_blend(
    candidates: Candidates, start: npt.NDArray[np.float64], non_negative: npt.NDArray[np.bool_], config: BlendingConfig
) -> npt.NDArray[np.float64]:
    """Both fits, one after the other; arguments as `fit_weights`."""
    first = fit_weights(candidates, start, non_negative, config)
    return fit_weights(candidates.hardest(first, config.hardest), first, non_negative, config)


def fit_weights(
    candidates: Candidates, start: npt.NDArray[np.float64], non_negative: npt.NDArray[np.bool_], config: BlendingConfig
) -> npt.NDArray[np.float64]:
    """One weight per feature, by L-BFGS-B from `start`, which stays where nobody took a candidate."""
    useful = candidates.with_hits()
    people = len(useful.start) - 1
    if not people:
        return start
    owner = np.repeat(np.arange(people), np.diff(useful.start))
    share = np.where(useful.taken, 1 / _per_person(useful.taken, useful.start)[owner], 0).astype(np.float32)
    pull = config.trust / people

    def loss(weights: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        scores = useful.features @ weights.astype(np.float32)
        top = np.maximum.reduceat(scores, useful.start[:-1])
        raised = np.exp(scores - top[owner])
        total = np.add.reduceat(raised, useful.start[:-1])
        value = float((np.log(total) + top).sum() - share @ scores) / people
        slope = useful.features.T @ (raised / total[owner] - share)
        moved = weights - start
        return value + pull * float(moved @ moved), slope.astype(np.float64) / people + 2 * pull * moved

    bounds = [(0.0, None) if bounded else (None, None) for bounded in non_negative]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": config.most_steps})
    return np.asarray(found.x, np.float64)


def _per_person(marked: npt.NDArray[np.bool_], start: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.asarray(np.add.reduceat(marked.astype(np.int64), start[:-1]) if len(marked) else np.zeros(0, np.int64))
