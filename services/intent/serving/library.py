"""The versions that a process can see, and how one is opened. What trained models run on is imported only when one is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from services.intent.lexical.keyword import KeywordModel
from services.intent.model import ModelRefused
from services.intent.serving.engine import UnderstandingModel
from services.intent.serving.metrics import PROVIDER
from services.intent.settings import IntentSettings
from services.intent.trained.package import (
    can_run,
    foreign_labels,
    newest_shipped,
    package_in,
    published_folder,
    read_package,
    shipped_folders,
)
from services.kit.artifacts import CorruptArtifact, read_manifest
from services.kit.telemetry import get_logger

log = get_logger(__name__)

Source = Literal["built_in", "setting", "published", "shipped"]
Signature = tuple[tuple[str, int, int], ...]
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Known:
    """One version. `signature` changes when its files do; `refused` says why it cannot even be read, `barred` why it may not answer
    /v1/understand, though it may be loaded.
    """

    version: str
    source: Source
    folder: Path | None = None
    created_at: datetime | None = None
    signature: Signature = ()
    refused: str | None = None
    barred: str | None = None


class Library(Protocol):
    """Where versions come from. Everything here blocks: it is called on threads."""

    def known(self) -> Mapping[str, Known]:
        """Every version that is here now."""

    def default(self) -> str:
        """The version that is served as long as none was promoted."""

    def check(self, known: Known) -> None:
        """Raises `ModelRefused` when the package cannot be served; reads every file, computes nothing."""

    def open(self, known: Known) -> UnderstandingModel:
        """The model, not yet warm; raises `ModelRefused`."""


class Installed:
    """The keyword model, the package that the settings name, those published beside the artifacts, those that were shipped.

    Of two packages with one version the first in this order counts.
    """

    def __init__(self, settings: IntentSettings) -> None:
        self._settings = settings
        self._keyword = KeywordModel()
        self._read: dict[Path, tuple[Signature, Known]] = {}
        self._volume_trouble: str | None = None

    def known(self) -> dict[str, Known]:
        found = [Known(self._keyword.version, "built_in")]
        if (named := self._settings.model_dir) is not None:
            found.append(self._known("setting", package_in(named)))
        found += [self._known("published", folder) for folder in self._published()]
        found += [self._known("shipped", folder) for folder in shipped_folders()]
        return {known.version: known for known in reversed(found)}

    def default(self) -> str:
        settings = self._settings
        if settings.model == "keyword":
            return self._keyword.version
        if settings.model_dir is not None:
            return self._known("setting", package_in(settings.model_dir)).version
        folder = newest_shipped() if can_run() else None
        return self._keyword.version if folder is None else self._known("shipped", folder).version

    def check(self, known: Known) -> None:
        if known.refused is not None:
            raise ModelRefused(known.refused)
        if known.folder is not None:
            read_package(known.folder)

    def open(self, known: Known) -> UnderstandingModel:
        if known.folder is None:
            return self._by_keywords()
        if known.refused is not None:
            raise ModelRefused(known.refused)
        if not can_run():
            raise ModelRefused("a trained model needs the extra intent-onnx or intent-gpu")
        from services.intent.trained.accelerator import Accelerator
        from services.intent.trained.provider import Wanted, builds
        from services.intent.trained.transformer import OnnxModel

        settings = self._settings
        if len(builds()) > 1:
            log.warning("onnxruntime_installed_twice", builds=builds())
        gpu = Accelerator(
            device=settings.gpu_device,
            memory_mib=settings.gpu_memory_mib,
            shrink=settings.gpu_shrink,
            graphs=settings.gpu_graphs,
            buckets=settings.gpu_buckets,
            cache=settings.tensorrt_cache,
        )
        wanted = Wanted(settings.provider_policy, settings.accelerator, settings.threads, gpu)
        model = OnnxModel(known.folder, wanted, keyword=self._keyword)
        session = model.session
        PROVIDER.labels(model.name, model.version, session.asked, session.runs_on).set(1)
        told = {"asked": session.asked, "runs_on": session.runs_on}
        log.info("trained_model", version=model.version, **told, instead=session.instead)
        return model

    def _by_keywords(self) -> KeywordModel:
        settings = self._settings
        if settings.provider_policy == "require":
            extra = "" if can_run() else "; a trained model needs the extra intent-gpu"
            raise ModelRefused(f"{settings.accelerator} is required, the keyword model runs on none{extra}")
        return self._keyword

    def _published(self) -> list[Path]:
        """Folders with a manifest: one that is being written has none yet, or a name that begins with a dot.

        None where the volume cannot be read: what shipped is not on it.
        """
        home = published_folder(self._settings.shared.artifacts_dir)
        trouble, found = None, []
        try:
            found = [path.parent for path in sorted(home.glob("[!.]*/manifest.json"))]
        except OSError as error:
            trouble = str(error.strerror)
        if trouble is not None and trouble != self._volume_trouble:
            log.error("published_models_unreadable", reason=trouble)
        self._volume_trouble = trouble
        return found

    def _known(self, source: Source, folder: Path) -> Known:
        signature = _signature(folder)
        read = self._read.get(folder)
        if read is None or read[0] != signature:
            found = replace(_read(source, folder, signature), barred=self._barred(folder))
            read = self._read[folder] = (signature, found)
        return read[1]

    def _barred(self, folder: Path) -> str | None:
        foreign = [] if self._settings.foreign_labels else foreign_labels(folder)
        if not foreign:
            return None
        more = f" and {len(foreign) - _NAMED} more" if len(foreign) > _NAMED else ""
        return (
            f"/v1/understand knows no label {', '.join(foreign[:_NAMED])}{more}; load the model and ask it under /v2, "
            "or set KUAJIE_INTENT_FOREIGN_LABELS=true"
        )


def _read(source: Source, folder: Path, signature: Signature) -> Known:
    """A folder by its manifest; one that cannot be read goes by the folder's own name."""
    try:
        manifest = read_manifest(folder)
    except CorruptArtifact as error:
        return Known(folder.name, source, folder, signature=signature, refused=f"the package is damaged: {error}")
    if source != "setting" and manifest.version != folder.name:
        why = f"the package is damaged: {folder.name} says that it is {manifest.version}"
        return Known(folder.name, source, folder, manifest.created_at, signature, why)
    return Known(manifest.version, source, folder, manifest.created_at, signature)


def _signature(folder: Path) -> Signature:
    try:
        stats = [(path.name, path.stat()) for path in sorted(folder.iterdir())]
    except OSError:
        return ()
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)
