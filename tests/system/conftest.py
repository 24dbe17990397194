"""One real stack for the whole session: `kuajie up --demo`, as a newcomer starts it."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.truth import Truth, truth_of
from demo.world import DEFAULT_SEED, World, simulate
from kuajie.ports import free_ports
from kuajie.topology import SERVICES

UNHURRIED = {
    "KUAJIE_GATEWAY_FIRST_STAGE_MS": "5000",
    "KUAJIE_GATEWAY_MAX_DEADLINE_MS": "10000",
    "KUAJIE_DEFAULT_DEADLINE_MS": "10000",
}
"""Tests share their machine with other work; how long things take is for the benchmarks to say."""


@dataclass(frozen=True, slots=True)
class Running:
    """A running stack: where it is, and what its processes are now."""

    url: str
    api_key: str
    folder: Path

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.api_key}"}

    def state(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.folder / "stack.json").read_text())
        return document

    def pid(self, name: str) -> int:
        return int(self.state()["pids"][name])

    def kuajie(self, *words: str) -> dict[str, Any]:
        """A subcommand with --json: its document."""
        done = run_kuajie(*words, "--data", str(self.folder), "--json")
        assert done.returncode == 0, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document


def run_kuajie(*words: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kuajie", *words]
    env = {**os.environ, **(environment or {})}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env)


@contextmanager
def started(*words: str) -> Iterator[Running]:
    """A stack on a new data folder, ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="kuajie-system-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        data = Path(folder) / "data"
        command = ("up", "--detach", "--json", "--data", str(data), "--port", str(free_ports(len(SERVICES))), *words)
        up = run_kuajie(*command, environment=UNHURRIED)
        try:
            assert up.returncode == 0, up.stderr
            state = json.loads(up.stdout)
            yield Running(state["url"], state["api_key"], data)
        finally:
            run_kuajie("down", "--data", str(data))


@pytest.fixture(scope="session")
def stack() -> Iterator[Running]:
    with started("--demo") as running:
        yield running


@pytest.fixture(scope="session")
def start_stack() -> Callable[..., Any]:
    """`with start_stack() as running`: another stack, for tests that need one of their own."""
    return started


@pytest.fixture(scope="session")
def world() -> World:
    return simulate(DEFAULT_SEED)


@pytest.fixture(scope="session")
def truth(world: World) -> Truth:
    return truth_of(world)


@pytest.fixture
def client(stack: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.url, headers=stack.headers, timeout=30) as client:
        yield client


FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def figure(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """`figure("…")`: a measured figure, shown at the end of the run."""
    return pytestconfig.stash.setdefault(FIGURES, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(FIGURES, []):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def eventually() -> Callable[..., float]:
    """`eventually(check, within=60.0)`: calls until it gives True, and how many seconds that took; fails when the time is over."""

    def wait(check: Callable[[], bool], *, within: float = 60.0) -> float:
        begun = time.monotonic()
        while not check():
            assert time.monotonic() < begun + within, f"not within {within} s"
            time.sleep(0.02)
        return time.monotonic() - begun

    return wait
