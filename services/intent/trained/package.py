"""A trained model as a folder: its ONNX file (and perhaps one for GPUs), tokenizer, classes, calibration, and the checksum of each."""

import importlib.util
import sys
from pathlib import Path

from pydantic import ConfigDict, Field, PositiveFloat, ValidationError

from services.intent.labels import LABELS
from services.intent.model import ModelRefused
from services.intent.trained.confidence import Beta, Scope
from services.kit.artifacts import MANIFEST, CorruptArtifact, Manifest, verify
from services.kit.wire import MessageModel

FORMAT = 2
READABLE = frozenset({1, FORMAT})
"""Format 1 had no `scope`: it was energy."""
MODEL, TOKENIZER, DESCRIPTION = "model.onnx", "tokenizer.json", "model.json"
HALF = "model.fp16.onnx"
REQUIRED = frozenset({MODEL, TOKENIZER, DESCRIPTION})


class Step(MessageModel):
    """One run of training."""

    base: str = Field(description="what it began with: an encoder, or the name and version of a package")
    texts: int = Field(ge=0, description="how many it learned from")


class Description(MessageModel):
    """`model.json`: what a server must know of a model."""

    model_config = ConfigDict(allow_inf_nan=False)

    format: int
    name: str
    classes: dict[str, tuple[str, ...]] = Field(description="names of the classes by task, in the order of the logits")
    prefix: str = Field(description="what every text is given before it is read")
    max_tokens: int = Field(ge=3, description="longer texts are cut")
    pad_id: int = Field(ge=0)
    temperatures: dict[str, PositiveFloat] = Field(description="what logits are divided by, by task")
    confidence: dict[str, Beta] = Field(
        default_factory=dict, description="how the probability of the label that is told is bent, by task"
    )
    scope: Scope = Field("energy", description="what is compared with the threshold")
    scope_threshold: float | None = Field(description="scores below it are out of scope; null: none are")
    precision: str
    lineage: tuple[Step, ...] = Field((), description="the runs that made it, first to last; older packages do not say")


class Package(MessageModel):
    """A folder whose files are what its manifest says."""

    folder: Path
    manifest: Manifest
    description: Description

    @property
    def cpu_file(self) -> Path:
        return self.folder / MODEL

    @property
    def accelerator_file(self) -> Path | None:
        """float16 where there is such a file, else float32; int8 is for CPUs: GPUs would compute most of it on the CPU."""
        if HALF in self.manifest.files:
            return self.folder / HALF
        return self.folder / MODEL if self.description.precision == "float32" else None


def read_package(folder: Path) -> Package:
    """The package in `folder`; raises `ModelRefused` when a file is missing, changed or of a format that we do not know."""
    try:
        manifest = verify(folder)
    except CorruptArtifact as error:
        raise ModelRefused(f"the package is damaged: {error}") from error
    if missing := REQUIRED - manifest.files.keys():
        raise ModelRefused(f"the package is damaged: {folder.name} has no {', '.join(sorted(missing))}")
    try:
        description = Description.model_validate_json((folder / DESCRIPTION).read_bytes())
    except (OSError, ValidationError) as error:
        raise ModelRefused(f"{folder.name}/{DESCRIPTION} is not a description of a model") from error
    if description.format not in READABLE:
        raise ModelRefused(f"{folder.name} has format {description.format}, this version reads {FORMAT} and older")
    if "intent" not in description.classes or description.classes.keys() - description.temperatures.keys():
        raise ModelRefused(f"{folder.name} lacks the classes of `intent`, or the temperature of a task")
    return Package(folder=folder, manifest=manifest, description=description)


def package_in(folder: Path) -> Path:
    """The package of a folder: itself, or the one in a folder that `kuajie train intent` made."""
    inner = folder / "package"
    return inner if (inner / MANIFEST).is_file() and not (folder / MANIFEST).exists() else folder


def foreign_labels(folder: Path) -> list[str]:
    """What a package may answer as `intent` that is none of our labels; nothing where it cannot be read, as `read_package` tells."""
    try:
        description = Description.model_validate_json((folder / DESCRIPTION).read_bytes())
    except (OSError, ValidationError):
        return []
    return [label for label in description.classes.get("intent", ()) if label not in LABELS]


def can_run() -> bool:
    """Whether what trained models run on is installed (the extras `intent-onnx` and `intent-gpu`)."""
    return all(importlib.util.find_spec(name) is not None for name in ("onnxruntime", "tokenizers"))


def published_folder(artifacts: Path) -> Path:
    """Where packages of the installation are published, a folder a version. No tenant's name begins with an underscore."""
    return artifacts / "_models" / "intent"


def shipped_folders() -> list[Path]:
    """The models that came with this installation: beside the code, or in an image beside its Python."""
    roots = (Path(__file__).resolve().parents[3], Path(sys.prefix))
    return [path.parent for root in roots for path in sorted((root / "models" / "intent").glob(f"*/{MANIFEST}"))]


def newest_shipped() -> Path | None:
    """The newest of them."""
    return max(shipped_folders(), key=_created, default=None)


def _created(folder: Path) -> str:
    """When it was made; before all others where that cannot be read."""
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes()).created_at.isoformat()
    except (OSError, ValidationError):
        return ""
