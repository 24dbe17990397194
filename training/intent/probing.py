"""Heads that begin as linear discriminants of the encoder's embeddings: linear probing, then fine-tuning (Kumar et al. 2022).

A head drawn at random bends the encoder to wherever the draw points, and takes an epoch and more to find what embeddings tell from
the first.
"""

from collections.abc import Iterable

import numpy as np
import torch

from services.intent.trained.confidence import Floats
from training.intent.batches import Encoded
from training.intent.metrics import Integers
from training.intent.network import IntentNetwork
from training.intent.normals import Normals, fit_normals
from training.intent.prediction import embed
from training.intent.rows import UNKNOWN

FOLDS = 5
SHRINKAGES = (0.3, 1.0, 3.0)
SCALES = np.geomspace(1e-8, 10.0, 91)
"""What logits are multiplied by: discriminants are the surer of themselves, without a reason, the fewer rows they know."""
MODESTY = 0.05
"""By so much the log loss may be above the least: where rows left out are all told right, any scale would be too small."""
MOST_ROWS = 20_000
"""Are embedded: more take time, and tell hardly more of a class."""


def begin_heads(
    network: IntentNetwork, tasks: Iterable[str], data: Encoded, pad_id: int, *, seed: int, half: bool
) -> None:
    """Set the heads of `tasks` by the embeddings of the rows (of `MOST_ROWS`, drawn by `seed`); `half` computes in bfloat16."""
    chosen = _some(data, seed)
    truths = {task: chosen.targets[task].numpy() for task in tasks}
    embeddings = embed(network, chosen, pad_id, half=half)
    for task, truth in truths.items():
        known, head = truth != UNKNOWN, network.heads[task]
        if known.any():
            weight, bias = discriminant(embeddings[known], truth[known], len(head.state_dict()["bias"]))
            head.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})


def discriminant(embeddings: Floats, truth: Integers, classes: int) -> tuple[Floats, Floats]:
    """Weight, (classes, width), and bias, (classes,), of linear discriminant analysis.

    `embeddings` has shape (rows, width), `truth` (rows,); a class without a row is taken for anywhere. Shrinkage is that of the least
    log loss on rows left out, one of `FOLDS` parts after the other; the scale is the smallest that is near it.
    What all classes have in common is left out: no probability changes, and float32 has no large numbers to cancel.
    """
    prior = np.log((np.bincount(truth, minlength=classes) + 1) / (len(truth) + classes))
    tried = {shrinkage: _losses(embeddings, truth, prior, shrinkage) for shrinkage in SHRINKAGES}
    shrinkage = min(tried, key=lambda each: tried[each].min())
    scale = SCALES[int((tried[shrinkage] <= tried[shrinkage].min() + MODESTY).argmax())]
    fitted = _fitted(embeddings, truth, classes, shrinkage)
    weight, bias = scale * fitted.means @ fitted.whitening.T, prior - scale * (fitted.means**2).sum(axis=1) / 2
    return weight - weight.mean(axis=0), bias - bias.mean()


def _losses(embeddings: Floats, truth: Integers, prior: Floats, shrinkage: float) -> Floats:
    """The log loss by scale, (scales,), every row told by those of the other parts; by the prior where there are none."""
    classes = len(prior)
    told = np.zeros((len(truth), classes))
    part = np.random.default_rng(0).permutation(len(truth)) % FOLDS
    for each in range(FOLDS):
        out = part == each
        if out.any() and not out.all():
            told[out] = _fitted(embeddings[~out], truth[~out], classes, shrinkage).likelihoods(embeddings[out])
    return np.array([_log_loss(scale * told + prior, truth) for scale in SCALES])


def _fitted(embeddings: Floats, truth: Integers, classes: int, shrinkage: float) -> Normals:
    present = np.unique(truth)
    normals = fit_normals(embeddings, truth, present, shrinkage=shrinkage)
    means = np.tile(normals.middle, (classes, 1))
    means[present] = normals.means
    return Normals(normals.whitening, means, normals.middle)


def _log_loss(logits: Floats, truth: Integers) -> float:
    logits = logits - logits.max(axis=1, keepdims=True)
    told = logits[np.arange(len(truth)), truth] - np.log(np.exp(logits).sum(axis=1))
    return -float(told.mean())


def _some(data: Encoded, seed: int) -> Encoded:
    if len(data) <= MOST_ROWS:
        return data
    places = np.random.default_rng(seed).permutation(len(data))[:MOST_ROWS]
    return Encoded(
        [data.tokens[place] for place in places], {task: values[places] for task, values in data.targets.items()}
    )
