"""`kuajie train calibration`: the same model, with a confidence that fits other rows, as those of one's own users. Trains nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from services.intent.labels import OUT_OF_SCOPE
from services.intent.trained.confidence import STRAIGHT, TOLD, Beta
from services.intent.trained.package import DESCRIPTION, FORMAT, Description
from services.intent.trained.transformer import OnnxModel
from training.intent.calibration import FEWEST, Calibration, calibrate, scope_threshold
from training.intent.evaluation import figures
from training.intent.lineage import CARD
from training.intent.metrics import Integers
from training.intent.package import draft_of, seal
from training.intent.rows import UNKNOWN, Row, UnusableData, Vocabulary
from training.intent.seeing import ON_CPU, Progress, Seen, see

LEAST_RIGHT = 0.5


def recalibrate(
    folder: Path, rows: Sequence[Row], *, out: Path, progress: Progress, unknown: Sequence[str] = ()
) -> dict[str, Any]:
    """A copy of the package in `out` whose temperatures, confidence and threshold of scope are fitted on `rows` and `unknown`.

    A task that fewer than `FEWEST` rows tell of keeps what it had, and so does the threshold with fewer in scope, or out of it.
    The figures `after` are of the very rows that were fitted. Raises `ModelRefused` for a package that cannot be used,
    FileExistsError when `out` is there, and `UnusableData` for a class that the model does not have, for too few rows and for rows
    that are no sample of what is asked.
    """
    if out.exists():
        raise FileExistsError(out)
    model = OnnxModel(folder, ON_CPU)
    before = model.package.description
    vocabulary = Vocabulary(before.classes)
    indices = [vocabulary.indices(row) for row in rows]
    truth = {task: np.array([each[task] for each in indices]) for task in vocabulary.classes}
    if not any((values != UNKNOWN).any() for values in truth.values()):
        raise UnusableData(f"no row has a label of {' or '.join(vocabulary.classes)}")
    if max(_rows(values) for values in truth.values()) < FEWEST:
        raise UnusableData(f"confidence is fitted to {FEWEST} rows or more of a task: give more than {len(rows)}")
    seen = see(model, [row.text for row in rows], progress)
    strangers = see(model, unknown, progress) if unknown else None
    _refuse_selected(seen, truth)
    after = _described(before, calibrate(seen.logits, truth), seen, strangers, truth)
    tasks = _tasks(before, after, seen, truth)
    with draft_of(model.package, out) as draft:
        (draft / DESCRIPTION).write_bytes(orjson.dumps(after.model_dump(mode="json"), option=orjson.OPT_INDENT_2))
        with (draft / CARD).open("a", encoding="utf-8") as card:
            card.write(_note(tasks, model.version))
        version = seal(draft, before.name)
    return {"package": str(out), "version": version, "rows": len(rows), "tasks": tasks}


def _refuse_selected(seen: Seen, truth: dict[str, Integers]) -> None:
    """Raises `UnusableData` where the labels told are wrong more often than right: such rows were chosen for being wrong."""
    for task in TOLD:
        told = truth.get(task, np.array([])) != UNKNOWN
        if told.any() and (seen.logits[task][told].argmax(axis=1) == truth[task][told]).mean() < LEAST_RIGHT:
            raise UnusableData(
                f"the model is wrong on most rows of the task {task}: these are no sample of what is asked (corrections alone are not)"
            )


def _described(
    before: Description, fitted: Calibration, seen: Seen, strangers: Seen | None, truth: dict[str, Integers]
) -> Description:
    told = [task for task, values in truth.items() if _rows(values) >= FEWEST]
    warm = before.model_copy(
        update={
            "format": FORMAT,
            "temperatures": {**before.temperatures, **{task: fitted.temperatures[task] for task in told}},
            "confidence": {**before.confidence, **{task: fitted.confidence[task] for task in told if task in TOLD}},
        }
    )
    if "intent" not in told:
        return warm
    kept = truth["intent"] != UNKNOWN
    scores = seen.scores(warm)[kept]
    known = np.array([name != OUT_OF_SCOPE for name in before.classes["intent"]])[truth["intent"][kept]]
    if strangers is not None:
        scores = np.concatenate([scores, strangers.scores(warm)])
        known = np.concatenate([known, np.zeros(len(scores) - len(known), dtype=np.bool_)])
    if min(known.sum(), (~known).sum()) < FEWEST:
        return warm
    return warm.model_copy(update={"scope_threshold": scope_threshold(scores, known)})


def _rows(truth: Integers) -> int:
    """How many tell of a task."""
    return int((truth != UNKNOWN).sum())


def _tasks(
    before: Description, after: Description, seen: Seen, truth: dict[str, Integers]
) -> dict[str, dict[str, float]]:
    """Rows, accuracy and ECE before and after, of each task that rows tell of."""

    def ece(described: Description, task: str) -> float:
        beta: Beta = described.confidence.get(task, STRAIGHT)
        warmth = described.temperatures[task]
        return figures(seen.logits[task], truth[task], described.classes[task], warmth, beta).ece

    told = {task: values != UNKNOWN for task, values in truth.items() if (values != UNKNOWN).any()}
    return {
        task: {
            "rows": int(kept.sum()),
            "accuracy": float((seen.logits[task][kept].argmax(axis=1) == truth[task][kept]).mean()),
            "ece_before": ece(before, task),
            "ece_after": ece(after, task),
        }
        for task, kept in told.items()
    }


def _note(tasks: dict[str, dict[str, float]], version: str) -> str:
    """What the card says of it."""
    lines = [
        "",
        f"Calibrated again after {version} (the figures above are from before), on these rows; ECE after is of the same rows:",
        "",
        "| task | rows | accuracy | ECE before | ECE after |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {task} | {found['rows']} | {found['accuracy']:.4f} | {found['ece_before']:.4f} | {found['ece_after']:.4f} |"
        for task, found in tasks.items()
    ]
    return "\n".join([*lines, ""])
