"""`kuajie train intent`: from a file of labelled texts to a folder that can be served, with a report of how good it is."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from services.intent.trained.confidence import Floats
from services.intent.trained.package import HALF
from training.intent.config import TrainConfig
from training.intent.export import export_onnx
from training.intent.finishing import Made, finish
from training.intent.fit import Trainer
from training.intent.half import halve
from training.intent.material import Material, divide, prepare
from training.intent.network import IntentNetwork, merged, train_spoken, with_lora
from training.intent.prediction import predict
from training.intent.quantise import quantise
from training.intent.reopened import start_from
from training.intent.rows import UNKNOWN, Row
from training.intent.served import logits_of, open_model

Progress = Callable[[str, float], None]


def make_model(
    rows: Sequence[Row],
    *,
    base: str | Path,
    out: Path,
    config: TrainConfig,
    progress: Progress,
    validation: Sequence[Row] = (),
    unknown: Sequence[str] = (),
    resume: bool = False,
    name: str = "intent",
) -> Made:
    """Train, calibrate, export, quantise, measure and package.

    `base` is a package of ours, whose heads are taken over where the classes are the same, or an encoder's folder or hub id. Raises
    `UnusableData` before anything is trained, `ModelRefused` for a package that cannot be read, and OSError for an unknown base.

    Everything is chosen on `validation`; without such rows, on a share of `rows` that is held out of training. The verdict on scope is
    chosen on `unknown` as well, texts that are out of scope.
    """
    division = divide(rows, validation, config)
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    start = start_from(base, config.layers)
    material = prepare(division, unknown, start.tokenizer, config)
    classes = {task: len(names) for task, names in material.vocabulary.classes.items()}
    network = IntentNetwork(start.encoder, classes, dropout=config.dropout)
    kept = start.give_heads(network, material.vocabulary.classes)
    spoken = material.spoken if config.train_words else []
    train_spoken(network, spoken)
    if config.lora_rank:
        network = with_lora(network, config.lora_rank)
    trainer = Trainer(
        network=network,
        train=material.train,
        validation=material.validation,
        rows=material.train_rows,
        vocabulary=material.vocabulary,
        pad_id=material.pad_id,
        config=config,
        folder=out,
        progress=progress,
        resume=resume,
    )
    state = trainer.fit()
    if not trainer.accelerator.is_main_process:
        return Made(out, {})
    network = merged(network)
    progress("exporting", 1.0)
    export_onnx(network, out / "model.onnx")
    if config.float16:
        halve(out / "model.onnx", out / HALF)
    report = {"config": config.to_json(), "epochs": state.history, "best_epoch": state.best_epoch, "heads_kept": kept}
    report |= _quantised(out, material, sorted({*spoken, *start.trained_words})) | {
        "parity": _parity(network, out / "model.onnx", material)
    }
    return finish(out, material, config, report, name, str(base))


def _parity(network: IntentNetwork, path: Path, material: Material) -> float:
    """The largest difference between the network's logits and the exported file's, on validation rows."""
    ours = predict(network, material.validation, material.pad_id)
    theirs = logits_of(open_model(path), material.validation, material.pad_id, tuple(ours))
    return max(float(abs(ours[task] - theirs[task]).max()) for task in ours)


def _quantised(out: Path, material: Material, spoken: Sequence[int]) -> dict[str, Any]:
    """Try int8; what it scored in every way that was tried. `spoken` are the ids of the words that were ever trained."""

    def score(path: Path) -> float:
        return _accuracy(logits_of(open_model(path), material.validation, material.pad_id, tasks), material)

    tasks = tuple(material.vocabulary.classes)
    reference = score(out / "model.onnx")
    taken, tried = quantise(
        out / "model.onnx", out / "model.int8.onnx", spoken=spoken, reference=reference, score=score
    )
    return {
        "quantisation": {
            "float": reference,
            "taken": taken.name if taken else None,
            "tried": [{"way": each.name, "score": each.score, "megabytes": each.megabytes} for each in tried],
        }
    }


def _accuracy(logits: dict[str, Floats], material: Material) -> float:
    """Mean accuracy over the tasks."""
    shares = []
    for task, values in logits.items():
        truth = material.validation.targets[task].numpy()
        known = truth != UNKNOWN
        if known.any():
            shares.append(float((values[known].argmax(axis=1) == truth[known]).mean()))
    return sum(shares) / len(shares)
