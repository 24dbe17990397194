"""Fitted artifacts: versioned folders with checksums, published atomically, swapped under load without a restart.

Layout: `<root>/<tenant>/<kind>/<version>/manifest.json` and its files; `<root>/<tenant>/<kind>/CURRENT` names the version in use.
"""

import asyncio
import hashlib
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import orjson
from prometheus_client import Counter, Gauge
from pydantic import Field, StringConstraints, ValidationError

from services.kit.ids import uuid7
from services.kit.telemetry import get_logger
from services.kit.wire import MessageModel, Timestamp

log = get_logger(__name__)

T = TypeVar("T")
KEPT_VERSIONS = 3
MANIFEST = "manifest.json"
_POLL_S = 1.0

SWAPS = Counter("kuajie_artifact_swaps_total", "Artifacts taken into use.", ["kind"])
REFUSALS = Counter("kuajie_artifact_refusals_total", "Artifacts refused; the one before stays in use.", ["kind"])
CREATED = Gauge("kuajie_artifact_created_timestamp_seconds", "When the artifact in use was made.", ["kind", "tenant"])


class CorruptArtifact(Exception):
    """The folder is not what its manifest says."""


FileName = Annotated[str, StringConstraints(pattern=r"^[^/\x00]+$")]
"""Of a file in the folder itself: a path would lead out of it."""


class Manifest(MessageModel):
    """What an artifact is, and the SHA-256 of each of its files."""

    kind: str
    version: str
    created_at: Timestamp
    files: dict[FileName, str] = Field(description="hexadecimal SHA-256 by file name")
    metadata: dict[str, Any] = Field(default_factory=dict)

    @property
    def checksum(self) -> str:
        """One SHA-256 over all files."""
        return hashlib.sha256("".join(f"{name}{self.files[name]}" for name in sorted(self.files)).encode()).hexdigest()


def publish_artifact(
    root: Path, tenant: str, kind: str, files: Callable[[Path], None], metadata: Mapping[str, Any]
) -> Manifest:
    """Write a new version through `files(folder)` and make it current. Readers see the old version or the new, never half."""
    home = root / tenant / kind
    created = datetime.now(UTC)
    version = f"{created:%Y%m%dT%H%M%S%f}-{uuid7().hex[-4:]}"
    draft = home / f".{version}"
    draft.mkdir(parents=True)
    try:
        files(draft)
        sums = {path.name: _sha256(path) for path in sorted(draft.iterdir())}
        manifest = Manifest(kind=kind, version=version, created_at=created, files=sums, metadata=dict(metadata))
        (draft / MANIFEST).write_bytes(orjson.dumps(manifest.model_dump(mode="json"), option=orjson.OPT_INDENT_2))
        draft.rename(home / version)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    _point_to(home, version)
    _forget_old(home, version)
    return manifest


def current_version(root: Path, tenant: str, kind: str) -> str | None:
    """The version in use; None before the first."""
    try:
        return (root / tenant / kind / "CURRENT").read_text().strip() or None
    except FileNotFoundError:
        return None


def load_current(root: Path, tenant: str, kind: str) -> tuple[Manifest, Path] | None:
    """The verified artifact in use, with its folder; None before the first. Raises `CorruptArtifact`."""
    version = current_version(root, tenant, kind)
    return None if version is None else (verify(root / tenant / kind / version), root / tenant / kind / version)


def verify(folder: Path) -> Manifest:
    """The manifest of a folder whose every file has the checksum that it states; raises `CorruptArtifact`."""
    manifest = read_manifest(folder)
    try:
        wrong = [name for name, digest in manifest.files.items() if _sha256(folder / name) != digest]
    except OSError as error:
        raise _unreadable(folder, error) from error
    if wrong:
        raise CorruptArtifact(f"{folder.name}: checksum of {', '.join(wrong)}")
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """What a folder says that it is, not yet held against its files; raises `CorruptArtifact`."""
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except OSError as error:
        raise _unreadable(folder, error) from error
    except ValidationError as error:
        raise CorruptArtifact(f"{folder.name}: {MANIFEST} is no manifest") from error


def _unreadable(folder: Path, error: OSError) -> CorruptArtifact:
    return CorruptArtifact(f"{folder.name}: {Path(str(error.filename or '')).name}: {error.strerror}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _point_to(home: Path, version: str) -> None:
    pointer = home / f".CURRENT-{uuid7().hex}"
    pointer.write_text(version + "\n")
    pointer.replace(home / "CURRENT")


def _forget_old(home: Path, current: str) -> None:
    versions = sorted(path.name for path in home.iterdir() if path.is_dir() and not path.name.startswith("."))
    for name in [name for name in versions if name != current][: max(0, len(versions) - KEPT_VERSIONS)]:
        shutil.rmtree(home / name, ignore_errors=True)


class ArtifactSlot(Generic[T]):
    """The artifacts of one kind that this process has in use, one a tenant. A corrupted one is refused and the old one stays."""

    def __init__(self, root: Path, kind: str, load: Callable[[Manifest, Path], T]) -> None:
        self._root = root
        self._kind = kind
        self._load = load
        self._in_use: dict[str, tuple[Manifest, T]] = {}
        self._refused: dict[str, str] = {}

    def get(self, tenant: str) -> T | None:
        """What is in use; None before the first."""
        found = self._in_use.get(tenant)
        return found[1] if found else None

    def manifest(self, tenant: str) -> Manifest | None:
        found = self._in_use.get(tenant)
        return found[0] if found else None

    def version(self, tenant: str) -> str | None:
        found = self._in_use.get(tenant)
        return found[0].version if found else None

    async def run(self) -> None:
        """Look for new versions until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(_POLL_S)

    async def refresh(self) -> None:
        """Take new versions into use. Loading happens in a thread, the swap between two requests."""
        for tenant, version in (await asyncio.to_thread(self._pointers)).items():
            if version in (self.version(tenant), self._refused.get(tenant)):
                continue
            try:
                self._in_use[tenant] = await asyncio.to_thread(self._load_version, tenant, version)
            except (CorruptArtifact, ValueError, KeyError, OSError) as error:
                self._refused[tenant] = version
                REFUSALS.labels(self._kind).inc()
                log.error("artifact_refused", kind=self._kind, version=version, error=str(error))
            else:
                SWAPS.labels(self._kind).inc()
                CREATED.labels(self._kind, tenant).set(self._in_use[tenant][0].created_at.timestamp())
                log.info("artifact_in_use", kind=self._kind, version=version)

    def _pointers(self) -> dict[str, str]:
        pointers = self._root.glob(f"*/{self._kind}/CURRENT")
        return {path.parent.parent.name: path.read_text().strip() for path in pointers}

    def _load_version(self, tenant: str, version: str) -> tuple[Manifest, T]:
        folder = self._root / tenant / self._kind / version
        manifest = verify(folder)
        return manifest, self._load(manifest, folder)
