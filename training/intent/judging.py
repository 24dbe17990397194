"""`kuajie evaluate intent`: a package, judged on rows by the very code that serves it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.intent.model import ModelRefused
from services.intent.trained.confidence import STRAIGHT, Floats
from services.intent.trained.package import package_in
from services.intent.trained.transformer import OnnxModel
from training.intent.evaluation import figures, purchase_auc, scope_auroc
from training.intent.metrics import Integers
from training.intent.rows import UNKNOWN, Row, UnusableData, Vocabulary
from training.intent.seeing import ON_CPU, Progress, see

__all__ = ["ModelRefused", "judge", "package_in"]


@dataclass(frozen=True, slots=True)
class Judged:
    """Logits of shape (rows, classes) and truth of shape (rows,) by task; scores of scope, shape (rows,); each row's language."""

    logits: dict[str, Floats]
    scores: Floats
    truth: dict[str, Integers]
    languages: Sequence[str]

    def of(self, language: str) -> "Judged":
        kept = np.array([each == language for each in self.languages])
        return Judged(
            {task: values[kept] for task, values in self.logits.items()},
            self.scores[kept],
            {task: values[kept] for task, values in self.truth.items()},
            [language] * int(kept.sum()),
        )


def judge(
    folder: Path, rows: Sequence[Row], *, unknown: Sequence[str] = (), progress: Progress = lambda name, share: None
) -> dict[str, Any]:
    """Figures by task, and by language; `unknown` are texts that are out of scope, whatever their labels.

    Raises `ModelRefused` for a package that cannot be used, `UnusableData` for a class that the model does not have.
    """
    model = OnnxModel(folder, ON_CPU)
    vocabulary = Vocabulary(model.package.description.classes)
    indices = [vocabulary.indices(row) for row in rows]
    if all(index == UNKNOWN for each in indices for index in each.values()):
        raise UnusableData(f"no row has a label of {' or '.join(vocabulary.classes)}")
    seen = see(model, [row.text for row in rows], progress)
    judged = Judged(
        seen.logits,
        seen.scores(model.package.description),
        {task: np.array([each[task] for each in indices]) for task in vocabulary.classes},
        [row.language for row in rows],
    )
    strangers = see(model, unknown, progress).scores(model.package.description) if unknown else None
    languages = sorted(set(judged.languages))
    return {
        "model": {"name": model.name, "version": model.version},
        "rows": len(rows),
        **_figures(model, judged, strangers),
        "by_language": {name: _figures(model, judged.of(name), None) for name in languages},
    }


def _figures(model: OnnxModel, judged: Judged, strangers: Floats | None) -> dict[str, Any]:
    description = model.package.description
    tasks: dict[str, Any] = {}
    for task, classes in description.classes.items():
        if (judged.truth[task] != UNKNOWN).any():
            beta = description.confidence.get(task, STRAIGHT)
            found = figures(judged.logits[task], judged.truth[task], classes, description.temperatures[task], beta)
            tasks[task] = found.to_json()
    scope = scope_auroc(judged.scores, judged.truth["intent"], description.classes["intent"], strangers)
    result = {"tasks": tasks, "scope_auroc": scope}
    if "purchase" in tasks:
        classes = description.classes["purchase"]
        result["purchase_auc"] = purchase_auc(judged.logits["purchase"], judged.truth["purchase"], classes)
    return result
