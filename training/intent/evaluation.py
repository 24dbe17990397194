"""How good a model is on rows that it has not seen: per task and language, calibrated, and against the unknown."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from services.intent.labels import OUT_OF_SCOPE
from services.intent.trained.confidence import STRAIGHT, Beta, Floats, bent, softmax
from training.intent.metrics import (
    Bin,
    ClassFigures,
    Integers,
    auroc,
    by_class,
    confusion,
    expected_calibration_error,
    macro_f1,
    reliability,
)
from training.intent.rows import UNKNOWN

BOOTSTRAP = 1_000


@dataclass(frozen=True, slots=True)
class TaskFigures:
    """One task on one set of rows. Intervals are 95 % percentile bootstrap over rows."""

    rows: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    macro_f1: float
    ece: float
    ece_before: float
    reliability: list[Bin]
    by_class: dict[str, ClassFigures]
    classes: tuple[str, ...]
    """In the order of `confusion`: its rows are the truth, its columns what was said."""
    confusion: list[list[int]]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def figures(
    logits: Floats,
    truth: Integers,
    classes: Sequence[str],
    temperature: float,
    beta: Beta = STRAIGHT,
    *,
    seed: int = 0,
) -> TaskFigures:
    """All figures of one task; rows that say nothing about it are left out. Confidence is bent by `beta`, as it is served."""
    kept = truth != UNKNOWN
    logits, truth = logits[kept], truth[kept]
    predicted = logits.argmax(axis=1)
    correct = predicted == truth
    draws = np.random.default_rng(seed).choice(correct, (BOOTSTRAP, len(correct))).mean(axis=1)
    confidence = bent(softmax(logits, temperature).max(axis=1), beta)
    return TaskFigures(
        rows=len(truth),
        accuracy=float(correct.mean()),
        accuracy_interval=(float(np.quantile(draws, 0.025)), float(np.quantile(draws, 0.975))),
        macro_f1=macro_f1(truth, predicted, len(classes)),
        ece=expected_calibration_error(confidence, correct),
        ece_before=expected_calibration_error(softmax(logits).max(axis=1), correct),
        reliability=reliability(confidence, correct),
        by_class=by_class(truth, predicted, classes),
        classes=tuple(classes),
        confusion=confusion(truth, predicted, len(classes)).tolist(),
    )


def scope_auroc(scores: Floats, truth: Integers, classes: Sequence[str], unknown: Floats | None = None) -> float | None:
    """The chance that a known text scores above an unknown one.

    Unknown are the rows of `out_of_scope`, and `unknown` (scores of texts from elsewhere); None when there are none.
    """
    outside = np.array([name == OUT_OF_SCOPE for name in classes])[np.maximum(truth, 0)] & (truth != UNKNOWN)
    strangers = scores[outside]
    if unknown is not None:
        strangers = np.concatenate([strangers, unknown])
    known = scores[~outside & (truth != UNKNOWN)]
    return auroc(known, strangers) if len(strangers) and len(known) else None


def purchase_auc(logits: Floats, truth: Integers, classes: Sequence[str]) -> float | None:
    """The chance that a `buy` row scores above a `not_buy` row."""
    if "buy" not in classes or len(classes) != 2:
        return None
    buy = classes.index("buy")
    scores = logits[:, buy] - logits[:, 1 - buy]
    kept = truth != UNKNOWN
    positive, negative = scores[kept & (truth == buy)], scores[kept & (truth != buy)]
    return auroc(positive, negative) if len(positive) and len(negative) else None
