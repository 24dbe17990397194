"""The folder that holds everything of one stack, and who has it in use.

lock  stack.json  secrets.json  gateway-keys.json  demo.json  artifacts/  logs/  engines/{postgresql,redis}/
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kuajie.binaries import closed_parent, engine_identity, make_open_folder
from kuajie.failures import CommandError
from kuajie.private_files import write_private
from kuajie.processes import command_line


class InUse(CommandError):
    """Another stack runs on the same folder."""


def default_folder() -> Path:
    """KUAJIE_DATA_DIR; else .kuajie here; else, where the engines' user cannot come here, a place of this folder's own."""
    if named := os.environ.get("KUAJIE_DATA_DIR"):
        return Path(named).absolute()
    here = Path.cwd() / ".kuajie"
    if closed_parent(here / "engines" / "x", engine_identity(here / "engines" / "postgresql")) is None:
        return here
    return Path("/var/lib/kuajie") / hashlib.sha256(str(Path.cwd()).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class DataFolder:
    path: Path

    def make(self) -> None:
        """Create what is missing. The folder itself is passable, since the engines run as another user; what is secret is 0600."""
        make_open_folder(self.path)
        make_open_folder(self.engines)
        try:
            for folder in (self.artifacts, self.logs):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise CommandError(f"cannot write to {self.path}: {error.strerror}") from error

    @property
    def engines(self) -> Path:
        return self.path / "engines"

    @property
    def artifacts(self) -> Path:
        return self.path / "artifacts"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def gateway_keys(self) -> Path:
        return self.path / "gateway-keys.json"

    def log_of(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def read(self, name: str) -> dict[str, Any] | None:
        """A JSON document of the folder; None when it is not there."""
        try:
            document: dict[str, Any] = json.loads((self.path / name).read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise CommandError(f"{self.path / name} cannot be read: {error}") from error
        return document

    def write(self, name: str, document: dict[str, Any]) -> None:
        write_private(self.path / name, json.dumps(document, indent=1))

    def forget(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for this process. The kernel lets go when the process ends, however it ends."""
        with (self.path / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InUse(self._who_holds()) from error
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def holder(self) -> int | None:
        """The pid of the stack that runs on this folder; None when none does."""
        try:
            with (self.path / "lock").open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return None
        except FileNotFoundError:
            return None
        except BlockingIOError:
            pid = int((self.path / "lock").read_text() or 0)
            return pid if "kuajie" in command_line(pid) else None

    def _who_holds(self) -> str:
        state = self.read("stack.json") or {}
        address = f" at {state['url']}" if "url" in state else ""
        return (
            f"a stack already runs on {self.path} (pid {self.holder()}){address}: use it, or end it with `kuajie down`"
        )
