"""`kuajie train intent`: from a file of labelled texts to a folder that can be served, with a report of how good it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch

from services.intent.trained.confidence import Floats
from services.intent.trained.package import HALF, Step
from training.intent.config import TrainConfig
from training.intent.evening import Looks, looks_at
from training.intent.export import export_onnx
from training.intent.finishing import Made, finish
from training.intent.fit import CHECKPOINT, State, Trainer
from training.intent.half import halve
from training.intent.material import Material, divide, prepare
from training.intent.metrics import mean_accuracy
from training.intent.network import IntentNetwork, merged, train_spoken, with_lora
from training.intent.prediction import predict
from training.intent.quantise import SECOND_HALVES, quantise
from training.intent.reopened import Start, UnusableBase, is_package, start_from
from training.intent.rows import UNKNOWN, Row, UnusableData
from training.intent.served import Answers

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
    `UnusableData` (also where `out` holds a run that is not or cannot be resumed), `UnusableBase` or `ModelRefused` (for a package
    that cannot be read) before anything is trained or written.

    Everything is chosen on `validation`; without such rows, on a share of `rows` that is held out of training, which no package may be
    the base of. The verdict on scope is chosen on `unknown` as well, texts that are out of scope.
    """
    _leave_alone(out, resume=resume)
    if is_package(base) and not validation:
        raise UnusableData(
            f"{base} has learned from rows that it does not remember, so that rows held out of training could be among them: "
            "name --validation rows that it has not learned from"
        )
    division = divide(rows, validation, config)
    torch.manual_seed(config.seed)
    start = start_from(base, config.layers)
    if config.max_tokens > (positions := start.encoder.config.max_position_embeddings):
        raise UnusableBase(f"{base} reads at most {positions} tokens")
    material = prepare(division, unknown, start.tokenizer, config)
    out.mkdir(parents=True, exist_ok=True)
    learner = _learner(start, material, config)
    state = _train(learner, base, material, out, config, progress, resume=resume)
    if state is None:
        return Made(out, {})
    kept = learner.heads_kept
    count = len(material.train)
    chosen = {**config.to_json(), "batch_size": config.batch_of(count), "epochs": config.epochs_of(count)}
    report = {"config": chosen, "epochs": state.history, "best_epoch": state.best_epoch, "heads_kept": kept}
    report |= {"rows": material.remarks.to_json()}
    report |= {"halfway": state.halfway} if state.halfway else {}
    progress("exporting", 1.0)
    answers = Answers(material.validation, material.pad_id, tuple(material.vocabulary.classes))
    report |= _export(merged(learner.network), out, material, answers, learner.words, config)
    lineage = (*start.lineage, Step(base=start.name, texts=len(material.train)))
    return finish(out, material, answers, config, report, name, str(base), lineage)


def _leave_alone(out: Path, *, resume: bool) -> None:
    """Raises `UnusableData` where `out` holds a run, finished or not: a command repeated would put another in its place.

    A run without a checkpoint cannot be gone on with. Where it has no package either it had just begun, and begins anew.
    """
    begun, finished = (out / CHECKPOINT).exists(), (out / "package").exists()
    if finished and not begun:
        raise UnusableData(f"{out} holds a package and no checkpoint to go on from: name another --out")
    if begun and not resume:
        raise UnusableData(f"{out} holds a run: go on with it by --resume, or name another --out")


@dataclass(frozen=True, slots=True)
class _Learner:
    """What is trained, the tasks whose heads it took over, and the ids of the words that were ever trained, with those trained now."""

    network: IntentNetwork
    heads_kept: list[str]
    words: list[int]


def _learner(start: Start, material: Material, config: TrainConfig) -> _Learner:
    """The start with a head for each task, of which `config` says what is trained."""
    classes = material.vocabulary.classes
    network = IntentNetwork(
        start.encoder, {task: len(names) for task, names in classes.items()}, dropout=config.dropout
    )
    kept = start.give_heads(network, classes)
    spoken = material.spoken if config.train_words else []
    train_spoken(network, spoken)
    if config.lora_rank:
        network = with_lora(network, config.lora_rank)
    return _Learner(network, kept, sorted({*spoken, *start.trained_words}))


def _train(
    learner: _Learner,
    base: str | Path,
    material: Material,
    out: Path,
    config: TrainConfig,
    progress: Progress,
    *,
    resume: bool,
) -> State | None:
    """Give the network its best weights; how the run went, None in all but the first of several processes."""
    trainer = Trainer(
        network=learner.network,
        train=material.train,
        validation=material.validation,
        rows=material.train_rows,
        vocabulary=material.vocabulary,
        pad_id=material.pad_id,
        config=config,
        folder=out,
        progress=progress,
        resume=resume,
        base=str(base),
        fresh=[task for task in material.vocabulary.classes if task not in learner.heads_kept],
        goes_on=set(learner.heads_kept) == set(material.vocabulary.classes) and not config.lora_rank,
    )
    state = trainer.fit()
    return state if trainer.accelerator.is_main_process else None


def _export(
    network: IntentNetwork,
    out: Path,
    material: Material,
    answers: Answers,
    words: Sequence[int],
    config: TrainConfig,
) -> dict[str, Any]:
    """Write the files that can be served; what int8 scored, and how far the file in float32 is from the network."""
    path = out / "model.onnx"
    export_onnx(network, path)
    files = {"float32": path}
    if config.float16:
        files["float16"] = out / HALF
        halve(path, files["float16"])
    found = _quantised(out, material, answers, words)
    if found["quantisation"]["taken"]:
        files["int8"] = out / "model.int8.onnx"
    told = predict(network, material.validation, material.pad_id)
    parity = {name: _parity(told, answers.logits(file)) for name, file in files.items()}
    return found | {"parity": parity["float32"]["largest_difference"], "files": parity}


def _parity(told: dict[str, Floats], theirs: dict[str, Floats]) -> dict[str, float]:
    """How far a file's logits are from those that the network told on validation rows; the label's share is the worst task's."""
    differences = [float(abs(told[task] - theirs[task]).max()) for task in told]
    same = [float((told[task].argmax(axis=1) == theirs[task].argmax(axis=1)).mean()) for task in told]
    return {"largest_difference": max(differences), "same_label": min(same)}


def _quantised(out: Path, material: Material, answers: Answers, spoken: Sequence[int]) -> dict[str, Any]:
    """Try int8; what it scored in every way that was tried. `spoken` are the ids of the words that were ever trained."""

    def score(path: Path) -> float:
        return mean_accuracy(answers.logits(path), truth, UNKNOWN)

    @cache
    def looks() -> Looks:
        return looks_at(out / "model.onnx", SECOND_HALVES, material.train.tokens, material.pad_id)

    truth = {task: values.numpy() for task, values in material.validation.targets.items()}
    reference = score(out / "model.onnx")
    taken, tried = quantise(
        out / "model.onnx", out / "model.int8.onnx", spoken=spoken, looks=looks, reference=reference, score=score
    )
    return {
        "quantisation": {
            "float": reference,
            "taken": taken.name if taken else None,
            "tried": [{"way": each.name, "score": each.score, "megabytes": each.megabytes} for each in tried],
        }
    }
