"""From a file that can be served to a package that may be: calibrated on validation rows, with its report and its card."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from services.intent.labels import OUT_OF_SCOPE
from services.intent.trained.confidence import STRAIGHT, Floats, Scope, energy
from services.intent.trained.outputs import EMBEDDING, logits_of
from services.intent.trained.package import HALF, Step
from training.intent.batches import Encoded
from training.intent.calibration import calibrate, scope_threshold
from training.intent.config import TrainConfig
from training.intent.evaluation import figures
from training.intent.material import Material
from training.intent.package import Card, write_package
from training.intent.report import write_page
from training.intent.rows import UNKNOWN
from training.intent.scope import Distance, add_distance, choose_scope, fit_distance
from training.intent.served import Answers, open_model, outputs_of


@dataclass(frozen=True, slots=True)
class Made:
    """What a run made, and its report; that is empty in all but the first of several processes."""

    folder: Path
    report: dict[str, Any]


def finish(
    out: Path,
    material: Material,
    answers: Answers,
    config: TrainConfig,
    report: dict[str, Any],
    name: str,
    base: str,
    lineage: tuple[Step, ...],
) -> Made:
    """Calibrate what will be served on validation rows, and write the package and the report."""
    served = out / "model.int8.onnx" if report["quantisation"]["taken"] else out / "model.onnx"
    half = out / HALF if config.float16 else None
    classes = material.vocabulary.classes
    logits = answers.logits(served)
    truth = {task: values.numpy() for task, values in material.validation.targets.items()}
    calibration = calibrate(logits, truth)
    report["validation"] = {
        task: figures(
            logits[task],
            truth[task],
            classes[task],
            calibration.temperatures[task],
            calibration.confidence.get(task, STRAIGHT),
        ).to_json()
        for task in classes
    }
    scores = _Scores.of(served, material, answers, calibration.temperatures["intent"])
    choice = choose_scope(scores.by_scope, scores.known)
    threshold = scope_threshold(scores.by_scope[choice.taken], scores.known)
    calibration = replace(calibration, scope=choice.taken, scope_threshold=threshold)
    report["scope"] = asdict(choice)
    for path in (served, half):
        if path is not None and choice.taken == "distance":
            add_distance(path, scores.distance)
    (out / "report.json").write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))
    write_page(out / "report.html", report, classes)
    card = Card(name, classes, config.prefix, config.max_tokens, material.pad_id, lineage, base)
    write_package(out, served, material.tokenizer, card, calibration, report, half=half)
    return Made(out, report)


@dataclass(frozen=True, slots=True)
class _Scores:
    """Of validation rows and strangers: every score of scope, shape (rows,), and which are known; what measures distance."""

    by_scope: dict[Scope, Floats]
    known: np.ndarray[Any, np.dtype[np.bool_]]
    distance: Distance

    @classmethod
    def of(cls, served: Path, material: Material, answers: Answers, temperature: float) -> "_Scores":
        names = material.vocabulary.classes["intent"]
        session = open_model(served)

        def told(data: Encoded) -> tuple[Floats, Floats]:
            found = outputs_of(session, data, material.pad_id, [EMBEDDING, logits_of("intent")])
            return found[EMBEDDING], found[logits_of("intent")]

        distance = fit_distance(*told(material.train), material.train.targets["intent"].numpy(), names)
        truth = material.validation.targets["intent"].numpy()
        kept = truth != UNKNOWN
        known = np.array([name != OUT_OF_SCOPE for name in names])[truth[kept]]
        embeddings, logits = answers.embeddings(served)[kept], answers.logits(served)["intent"][kept]
        if len(material.strangers):
            apart, odds = told(material.strangers)
            embeddings, logits = np.concatenate([embeddings, apart]), np.concatenate([logits, odds])
            known = np.concatenate([known, np.zeros(len(apart), dtype=np.bool_)])
        by_scope: dict[Scope, Floats] = {
            "energy": energy(logits, names, temperature),
            "distance": -distance.of(embeddings, logits),
        }
        return cls(by_scope, known, distance)
