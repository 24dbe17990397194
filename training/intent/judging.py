"""`kuajie evaluate intent`: a package, judged on rows by the very code that serves it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.intent.model import ModelRefused
from services.intent.trained.confidence import Floats
from services.intent.trained.provider import Wanted
from services.intent.trained.transformer import OnnxModel
from training.intent.evaluation import figures, purchase_auc, scope_auroc
from training.intent.metrics import Integers
from training.intent.rows import UNKNOWN, Row, Vocabulary

__all__ = ["ModelRefused", "judge"]
BATCH = 32
ON_CPU = Wanted("cpu", "CUDAExecutionProvider", 1)
Progress = Callable[[str, float], None]


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
    judged = Judged(
        *_read(model, [row.text for row in rows], progress),
        {task: np.array([each[task] for each in indices]) for task in vocabulary.classes},
        [row.language for row in rows],
    )
    strangers = _read(model, unknown, progress)[1] if unknown else None
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
            found = figures(judged.logits[task], judged.truth[task], classes, description.temperatures[task])
            tasks[task] = found.to_json()
    scope = scope_auroc(judged.scores, judged.truth["intent"], description.classes["intent"], strangers)
    result = {"tasks": tasks, "scope_auroc": scope}
    if "purchase" in tasks:
        classes = description.classes["purchase"]
        result["purchase_auc"] = purchase_auc(judged.logits["purchase"], judged.truth["purchase"], classes)
    return result


def _read(model: OnnxModel, texts: Sequence[str], progress: Progress) -> tuple[dict[str, Floats], Floats]:
    """Logits by task and scores of scope, in the rows' order; batches of like length, as the server makes them."""
    read = model.encode(texts)
    order = sorted(range(len(read)), key=lambda place: read[place].tokens)
    parts = []
    for at in range(0, len(order), BATCH):
        parts.append(model.run([read[place] for place in order[at : at + BATCH]]))
        progress("reading", min(1.0, (at + BATCH) / len(order)))
    back = np.argsort(order)
    logits = {task: np.concatenate([part.logits[task] for part in parts])[back] for task in parts[0].logits}
    return logits, np.concatenate([model.scope_scores(part) for part in parts])[back]
