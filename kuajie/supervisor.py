"""Keeps processes running: what ends is started again, later each time, and it is said."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from kuajie.binaries import EngineError
from kuajie.processes import spawn, stop

LONGEST_DELAY = 30.0
STEADY_SECONDS = 60.0
GRACE_SECONDS = 10.0

Say = Callable[[str], None]


class Process(Protocol):
    """What can be kept running: an engine or a service."""

    @property
    def name(self) -> str: ...
    @property
    def pid(self) -> int | None: ...
    @property
    def log_path(self) -> Path: ...
    def start(self) -> object: ...
    def alive(self) -> bool: ...
    def stop(self) -> None: ...


@dataclass
class ServiceProcess:
    """A service of ours. It keeps no state, so the kernel may kill it outright when the supervisor is gone."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    log_path: Path
    grace: float = GRACE_SECONDS
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log_path.open("ab") as log:
            self._process = spawn(self.command, log=log, death_signal=signal.SIGKILL, env=self.env)

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def ask_to_stop(self) -> None:
        if self._process is not None and self.alive():
            self._process.terminate()

    def stop(self) -> None:
        if self._process is not None:
            stop(self._process, ((signal.SIGTERM, self.grace),))

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None


def delay_before(attempt: int) -> float:
    """Seconds before the `attempt`-th restart in a row (from 1): 1, 2, 4, 8, 16, 30, 30 …"""
    return min(LONGEST_DELAY, 2.0 ** min(attempt - 1, 10))


@dataclass
class _Kept:
    process: Process
    started: float
    deaths: int = 0
    due: float | None = None


@dataclass
class Supervisor:
    """`tend` is called often; it never waits for a service, and for an engine only until that answers again."""

    say: Say
    clock: Callable[[], float] = time.monotonic
    _kept: dict[str, _Kept] = field(default_factory=dict)

    def start(self, process: Process) -> None:
        self._kept[process.name] = _Kept(process, self.clock())
        process.start()

    def tend(self) -> bool:
        """Start again what has ended and is due; True when a process changed."""
        changed = [self._tend(kept) for kept in self._kept.values()]
        return any(changed)

    def deaths(self, name: str) -> int:
        """How often in a row it has died since it last ran steadily."""
        return self._kept[name].deaths

    def pids(self) -> dict[str, int | None]:
        return {name: kept.process.pid for name, kept in self._kept.items()}

    def stop_all(self) -> None:
        """The last started first; all are asked before any is waited for, except the engines that they need."""
        processes = [kept.process for kept in reversed(self._kept.values())]
        for process in processes:
            if isinstance(process, ServiceProcess):
                process.ask_to_stop()
        for process in processes:
            process.stop()
        self._kept.clear()

    def _tend(self, kept: _Kept) -> bool:
        now = self.clock()
        if kept.due is None:
            if kept.process.alive():
                return False
            self._schedule(kept, now)
            return True
        if now < kept.due:
            return False
        self._restart(kept, now)
        return True

    def _schedule(self, kept: _Kept, now: float) -> None:
        kept.deaths = 1 if now - kept.started > STEADY_SECONDS else kept.deaths + 1
        delay = delay_before(kept.deaths)
        kept.due = now + delay
        self.say(f"{kept.process.name} has ended; starting it again in {delay:.0f} s (log: {kept.process.log_path})")

    def _restart(self, kept: _Kept, now: float) -> None:
        kept.due, kept.started = None, now
        try:
            kept.process.start()
        except (EngineError, OSError) as error:
            self.say(str(error) if isinstance(error, EngineError) else f"{kept.process.name}: {error.strerror}")
            return
        self.say(f"{kept.process.name} is started again")
