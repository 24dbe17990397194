"""The folder that is served: one ONNX file, its tokenizer, labels, calibration, checksums and a card for people."""

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from transformers import PreTrainedTokenizerFast

from services.intent.trained.package import DESCRIPTION, FORMAT, HALF, MODEL, TOKENIZER, Package, Step
from training.intent.calibration import Calibration
from training.intent.lineage import CARD, told


@dataclass(frozen=True, slots=True)
class Card:
    """What a server must know of a model."""

    name: str
    classes: Mapping[str, tuple[str, ...]]
    prefix: str
    max_tokens: int
    pad_id: int
    lineage: tuple[Step, ...]
    base: str


def write_package(
    out: Path,
    model: Path,
    tokenizer: PreTrainedTokenizerFast,
    card: Card,
    calibration: Calibration,
    report: Mapping[str, Any],
    *,
    half: Path | None = None,
) -> None:
    """Write `out/package`: model.onnx, tokenizer.json, model.json, README.md and manifest.json with SHA-256 of each.

    What was there goes when all of it is written. `half` is the file for GPUs, which goes in as model.fp16.onnx. NOTICE and LICENSE of
    the base go along where it is a folder with such files: its terms hold for what is made of it.
    """
    folder = out / ".package"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copyfile(model, folder / MODEL)
    if half is not None:
        shutil.copyfile(half, folder / HALF)
    tokenizer.backend_tokenizer.save(str(folder / TOKENIZER), pretty=False)
    (folder / DESCRIPTION).write_bytes(
        orjson.dumps(_description(card, calibration, report), option=orjson.OPT_INDENT_2)
    )
    (folder / CARD).write_text(_card(card, report), encoding="utf-8")
    for notice in (Path(card.base) / name for name in ("NOTICE", "LICENSE")):
        if notice.is_file():
            shutil.copyfile(notice, folder / notice.name)
    seal(folder, card.name)
    shutil.rmtree(out / "package", ignore_errors=True)
    folder.rename(out / "package")


def _description(card: Card, calibration: Calibration, report: Mapping[str, Any]) -> dict[str, Any]:
    """What the service reads of the model, as JSON types."""
    return {
        "format": FORMAT,
        "name": card.name,
        "classes": {task: list(names) for task, names in card.classes.items()},
        "prefix": card.prefix,
        "max_tokens": card.max_tokens,
        "pad_id": card.pad_id,
        "temperatures": calibration.temperatures,
        "confidence": {task: list(beta) for task, beta in calibration.confidence.items()},
        "scope": calibration.scope,
        "scope_threshold": calibration.scope_threshold,
        "precision": "int8" if report["quantisation"]["taken"] else "float32",
        "lineage": [step.model_dump() for step in card.lineage],
    }


@contextmanager
def draft_of(package: Package, out: Path) -> Iterator[Path]:
    """A copy of a package's files beside `out`, to be changed and sealed. It becomes `out` where the block ends well, and goes
    otherwise.
    """
    draft = out.with_name(f".{out.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        for name in package.manifest.files:
            shutil.copyfile(package.folder / name, draft / name)
        yield draft
        draft.rename(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def seal(folder: Path, name: str) -> str:
    """Write manifest.json: SHA-256 of every file, and a version that follows from them; returns the version."""
    sums = {path.name: _sha256(path) for path in sorted(folder.iterdir()) if path.name != "manifest.json"}
    version = hashlib.sha256("".join(f"{name}{digest}" for name, digest in sums.items()).encode()).hexdigest()[:12]
    manifest = {
        "kind": "intent",
        "version": version,
        "created_at": datetime.now(UTC).isoformat(),
        "files": sums,
        "metadata": {"name": name, "format": FORMAT},
    }
    (folder / "manifest.json").write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    return version


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _card(card: Card, report: Mapping[str, Any]) -> str:
    tasks = ", ".join(f"{task} ({len(names)} classes)" for task, names in card.classes.items())
    layers = report["config"]["layers"]
    kept = "all of its layers" if layers is None else f"its layers {', '.join(map(str, layers))}"
    lines = [
        f"# {card.name}",
        "",
        f"What a short text wants, {told(card.lineage, kept)}",
        f"Tasks: {tasks}. Texts are cut at {card.max_tokens} tokens.",
        "Served by `services/intent`; manifest.json has the SHA-256 of every file.",
        "",
        "On validation rows, which it was chosen and calibrated on (texts of other people: expect less):",
        "",
        "| task | rows | accuracy | 95 % interval | macro-F1 | ECE before | ECE after |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for task, found in report["validation"].items():
        low, high = found["accuracy_interval"]
        lines.append(
            f"| {task} | {found['rows']} | {found['accuracy']:.4f} | {low:.4f}–{high:.4f} | {found['macro_f1']:.4f} "
            f"| {found['ece_before']:.4f} | {found['ece']:.4f} |"
        )
    tried = "; ".join(
        f"{each['way']}: {each['score']:.4f}, {each['megabytes']:.1f} MB" for each in report["quantisation"]["tried"]
    )
    if "scope" in report:
        figures = (
            ", ".join(f"{name} {value:.4f}" for name, value in report["scope"]["auroc"].items()) or "none to choose by"
        )
        lines += ["", f"Scope is judged by {report['scope']['taken']} (AUROC on validation: {figures})."]
    taken = report["quantisation"]["taken"] or "float32, since int8 loses too much"
    scores = f"int8, mean accuracy of the tasks: float {report['quantisation']['float']:.4f}; {tried}."
    lines += ["", f"{scores} In the package: {taken}.", ""]
    lines += ["It reads tone and wording, not facts. It is no ground for advice, a price or a refusal.", ""]
    return "\n".join(lines)
