"""`kuajie train intent`: from a file of labelled texts to a folder that can be served, with a report of how good it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import orjson
import torch
from transformers import PreTrainedTokenizerFast

from services.intent.labels import OUT_OF_SCOPE
from services.intent.trained.confidence import Floats, Scope, energy
from services.intent.trained.package import HALF
from training.intent.batches import Encoded, encode
from training.intent.calibration import Calibration, scope_threshold, temperature
from training.intent.config import TrainConfig
from training.intent.evaluation import figures
from training.intent.export import EMBEDDING, export_onnx
from training.intent.fit import Trainer
from training.intent.half import halve
from training.intent.metrics import Integers
from training.intent.network import IntentNetwork, load_encoder, merged, train_spoken, with_lora
from training.intent.package import Card, write_package
from training.intent.prediction import predict
from training.intent.quantise import quantise
from training.intent.report import write_page
from training.intent.rows import UNKNOWN, Row, Vocabulary, language_of, split
from training.intent.scope import Choice, Classes, add_distance, choose_scope, fit_classes
from training.intent.served import logits_of, open_model, outputs_of

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Made:
    """What a run made, and its report; that is empty in all but the first of several processes."""

    folder: Path
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Material:
    """The rows of a run, encoded; `strangers` are texts out of scope, which only the verdict on scope is chosen on."""

    train_rows: list[Row]
    train: Encoded
    validation: Encoded
    strangers: Encoded
    vocabulary: Vocabulary
    tokenizer: PreTrainedTokenizerFast

    @property
    def spoken(self) -> list[int]:
        """The ids of the words that the training rows speak."""
        return sorted({token for tokens in self.train.tokens for token in tokens})

    @property
    def pad_id(self) -> int:
        return int(self.tokenizer.pad_token_id or 0)


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
    """Train, calibrate, export, quantise, measure and package. Raises `UnusableData`, and OSError for an unknown base.

    Everything is chosen on `validation`; without such rows, on a share of `rows` that is held out of training. The verdict on scope is
    chosen on `unknown` as well, texts that are out of scope.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    encoder, tokenizer = load_encoder(base, config.layers)
    material = _prepare(rows, validation, unknown, tokenizer, config)
    classes = {task: len(names) for task, names in material.vocabulary.classes.items()}
    network = IntentNetwork(encoder, classes, dropout=config.dropout)
    train_spoken(network, material.spoken if config.train_words else ())
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
    report = {"config": config.to_json(), "epochs": state.history, "best_epoch": state.best_epoch}
    report |= _quantised(out, material, train_words=config.train_words) | {
        "parity": _parity(network, out / "model.onnx", material)
    }
    return _finish(out, material, config, report, name, str(base))


def _prepare(
    rows: Sequence[Row],
    given: Sequence[Row],
    unknown: Sequence[str],
    tokenizer: PreTrainedTokenizerFast,
    config: TrainConfig,
) -> Material:
    vocabulary = Vocabulary.of(rows)
    train, validation = (list(rows), list(given)) if given else split(rows, config.validation_share, seed=config.seed)

    def encoded(part: Sequence[Row]) -> Encoded:
        return encode(part, tokenizer, vocabulary, prefix=config.prefix, max_tokens=config.max_tokens)

    strangers = [Row(text, {}, language_of(text)) for text in unknown]
    return Material(train, encoded(train), encoded(validation), encoded(strangers), vocabulary, tokenizer)


def _parity(network: IntentNetwork, path: Path, material: Material) -> float:
    """The largest difference between the network's logits and the exported file's, on validation rows."""
    ours = predict(network, material.validation, material.pad_id)
    theirs = logits_of(open_model(path), material.validation, material.pad_id, tuple(ours))
    return max(float(abs(ours[task] - theirs[task]).max()) for task in ours)


def _quantised(out: Path, material: Material, *, train_words: bool) -> dict[str, Any]:
    """Try int8; what it scored in every way that was tried."""

    def score(path: Path) -> float:
        return _accuracy(logits_of(open_model(path), material.validation, material.pad_id, tasks), material)

    tasks = tuple(material.vocabulary.classes)
    reference = score(out / "model.onnx")
    spoken = material.spoken if train_words else ()
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


def _finish(out: Path, material: Material, config: TrainConfig, report: dict[str, Any], name: str, base: str) -> Made:
    """Calibrate what will be served on validation rows, and write the package and the report."""
    served = out / "model.int8.onnx" if report["quantisation"]["taken"] else out / "model.onnx"
    half = out / HALF if config.float16 else None
    classes = material.vocabulary.classes
    truth = {task: values.numpy() for task, values in material.validation.targets.items()}
    session = open_model(served)
    logits = logits_of(session, material.validation, material.pad_id, tuple(classes))
    calibration = Calibration({task: _temperature(values, truth[task]) for task, values in logits.items()})
    report["validation"] = {
        task: figures(logits[task], truth[task], classes[task], calibration.temperatures[task]).to_json()
        for task in classes
    }
    if "intent" in classes:
        calibration, choice, shapes = _scoped(session, material, calibration)
        report["scope"] = {"taken": choice.taken, "auroc": choice.auroc}
        if choice.taken == "distance":
            for path in (served, half):
                if path is not None:
                    add_distance(path, shapes)
    (out / "report.json").write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))
    write_page(out / "report.html", report, classes)
    card = Card(name, classes, config.prefix, config.max_tokens, material.pad_id, len(material.train), base)
    write_package(out, served, material.tokenizer, card, calibration, report, half=half)
    return Made(out, report)


def _temperature(logits: Floats, truth: Integers) -> float:
    told = truth != UNKNOWN
    return temperature(logits[told], truth[told]) if told.any() else 1.0


def _scoped(
    session: ort.InferenceSession, material: Material, calibration: Calibration
) -> tuple[Calibration, Choice, Classes]:
    """What scope is judged by and its threshold, from validation rows and strangers; the classes' shapes from training rows."""
    names, warmth = material.vocabulary.classes["intent"], calibration.temperatures["intent"]

    def told(data: Encoded) -> tuple[Floats, Floats, Integers]:
        found = outputs_of(session, data, material.pad_id, [EMBEDDING, "intent_logits"])
        return found[EMBEDDING], found["intent_logits"], data.targets["intent"].numpy()

    embeddings, _, truth = told(material.train)
    shapes = fit_classes(embeddings, truth, names)
    embeddings, logits, truth = told(material.validation)
    kept = truth != UNKNOWN
    embeddings, logits, known = (
        embeddings[kept],
        logits[kept],
        np.array([each != OUT_OF_SCOPE for each in names])[truth[kept]],
    )
    if len(material.strangers):
        apart, odds, _ = told(material.strangers)
        embeddings, logits = np.concatenate([embeddings, apart]), np.concatenate([logits, odds])
        known = np.concatenate([known, np.zeros(len(apart), dtype=np.bool_)])
    scores: dict[Scope, Floats] = {"energy": energy(logits, names, warmth), "distance": -shapes.distances(embeddings)}
    choice = choose_scope(scores, known)
    threshold = scope_threshold(scores[choice.taken], known)
    return Calibration(calibration.temperatures, choice.taken, threshold), choice, shapes
