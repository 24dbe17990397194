"""A whole stack for the time of a benchmark."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kuajie.ports import free_ports
from kuajie.topology import SERVICES
from services.kit.identity import Caller, Keyring


class StackFailed(RuntimeError):
    """`kuajie up` said why."""


@dataclass(frozen=True, slots=True)
class Running:
    """A running stack and the folder that it lives in."""

    folder: Path
    state: dict[str, Any]

    @property
    def url(self) -> str:
        return str(self.state["url"])

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.state['api_key']}"}

    def pids(self) -> dict[str, int]:
        """Of every process of the stack, the supervisor too."""
        state = json.loads((self.folder / "stack.json").read_text())
        return {"supervisor": state["pid"], **state["pids"]}

    def internal_headers(self, *scopes: str) -> dict[str, str]:
        """What back ends accept: a signed token, good for one minute."""
        keys = json.loads((self.folder / "secrets.json").read_text())["internal_keys"]
        token = Keyring(keys).sign(Caller("default", "bench", "server", frozenset(scopes)))
        return {"Authorization": f"Bearer {token}"}


@contextmanager
def data_folder() -> Iterator[Path]:
    """A new folder that the engines' own user can reach."""
    with tempfile.TemporaryDirectory(prefix="kuajie-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "data"


@contextmanager
def stack(folder: Path, *, demo: bool, settings: Mapping[str, str] | None = None) -> Iterator[Running]:
    """`kuajie up` on `folder`, with `settings` in its environment, until the block ends. StackFailed when it does not start."""
    words = ["up", "--detach", "--json", "--data", str(folder), "--port", str(free_ports(len(SERVICES)))]
    command = [sys.executable, "-m", "kuajie", *words, *(["--demo"] if demo else [])]
    environment = {**os.environ, **(settings or {})}
    up = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, env=environment)
    try:
        if up.returncode != 0:
            raise StackFailed(f"kuajie up ended with {up.returncode}")
        yield Running(folder, json.loads(up.stdout))
    finally:
        down = [sys.executable, "-m", "kuajie", "down", "--data", str(folder)]
        subprocess.run(down, stdout=subprocess.DEVNULL, check=False)


def settle(seconds: float) -> None:
    """Time for start-up work and fresh models to be over."""
    time.sleep(seconds)
