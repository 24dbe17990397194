"""The life of one engine process: an address that is remembered, a start that waits, a clear line when it fails."""

import json
import secrets
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from kuajie.binaries import EngineError, closed_parent, engine_identity, make_open_folder
from kuajie.ports import free_ports, port_is_free
from kuajie.private_files import write_private
from kuajie.processes import Identity, spawn, stop

READY_SECONDS = 60.0
BIND_ATTEMPTS = 3
TELLING = ("FATAL", "PANIC", "Fatal", "could not", "Could not", "prctl", "error")


class PortTaken(EngineError):
    """Somebody took the port between our look and the engine's bind."""


@dataclass(frozen=True, slots=True)
class Address:
    port: int
    password: str


class Engine(ABC):
    """One server over `data_dir`. `port` fixes the port; otherwise the remembered or a free one is taken, and none of `avoid`.

    `start` must run on the main thread: the kernel ties the engine to the thread that starts it (`processes.spawn`).
    `fast` gives up crash safety: for tests only.
    """

    name: ClassVar[str]
    death_signal: ClassVar[signal.Signals]
    stop_signals: ClassVar[tuple[tuple[signal.Signals, float], ...]]

    def __init__(
        self, data_dir: Path, *, port: int | None = None, avoid: Collection[int] = (), fast: bool = False
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.folder = self.data_dir / self.name.lower()
        self.log_path = self.data_dir / f"{self.name.lower()}.log"
        self.fast = fast
        self.url = ""
        self._fixed_port = port
        self._avoid = avoid
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def _prepare(self, identity: Identity | None, address: Address) -> None:
        """Make the data folder where it is missing, and clear what a killed engine left in it."""

    @abstractmethod
    def _command(self, identity: Identity | None, address: Address) -> list[str]: ...

    @abstractmethod
    def _settings(self, address: Address) -> bytes:
        """What the engine reads from its standard input: nothing secret belongs on a command line."""

    @abstractmethod
    def _ready(self, process: subprocess.Popen[bytes], address: Address) -> bool: ...

    @abstractmethod
    def _url_of(self, address: Address) -> str: ...

    def start(self) -> str:
        """Start, wait until it answers, and return its URL with the password in it. Raises EngineError."""
        try:
            make_open_folder(self.data_dir)
            identity = engine_identity(self.folder)
            self._refuse_private_parent(identity)
            return self._start(identity)
        except PermissionError as error:
            raise EngineError(f"{self.name}: no permission for {error.filename}") from error

    def stop(self) -> None:
        if self._process is not None:
            stop(self._process, self.stop_signals)
            self._process = None

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def __enter__(self) -> str:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self, identity: Identity | None) -> str:
        for _ in range(BIND_ATTEMPTS):
            address = self._choose_address()
            self._prepare(identity, address)
            try:
                self._process = self._run(identity, address)
            except PortTaken:
                continue
            self._fixed_port = address.port  # whoever knows the URL must find a restarted engine there
            self.url = self._url_of(address)
            return self.url
        raise EngineError(f"{self.name}: no free port after {BIND_ATTEMPTS} attempts (log: {self.log_path})")

    def _refuse_private_parent(self, identity: Identity | None) -> None:
        if closed := closed_parent(self.folder, identity):
            raise EngineError(
                f"{self.name} never runs as root, and the user that runs it cannot enter {closed}: "
                f"choose a data folder outside it"
            )

    def _choose_address(self) -> Address:
        path = self.data_dir / f"{self.name.lower()}.json"
        known: dict[str, str | int] = json.loads(path.read_text()) if path.exists() else {}
        port = self._fixed_port or int(known.get("port", 0)) or free_ports(avoid=self._avoid)
        if port in self._avoid or not port_is_free(port):
            if self._fixed_port:
                raise EngineError(f"{self.name}: port {port} is in use by another program")
            port = free_ports(avoid=self._avoid)
        address = Address(port, str(known.get("password") or secrets.token_hex(24)))
        write_private(path, json.dumps(asdict(address)))
        return address

    def _run(self, identity: Identity | None, address: Address) -> subprocess.Popen[bytes]:
        with self.log_path.open("ab") as log:
            logged = log.tell()
            process = spawn(
                self._command(identity, address),
                log=log,
                death_signal=self.death_signal,
                identity=identity,
                stdin=self._settings(address),
            )
        self._await_ready(process, address, logged)
        return process

    def _await_ready(self, process: subprocess.Popen[bytes], address: Address, logged: int) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self._ready(process, address):
            if process.poll() is not None:
                raise self._failure(logged)
            if time.monotonic() > deadline:
                stop(process, self.stop_signals)
                raise EngineError(f"{self.name} was not ready within {READY_SECONDS:.0f} s (log: {self.log_path})")
            time.sleep(0.01)

    def _failure(self, logged: int) -> EngineError:
        """Why it ended, from what it has logged since byte `logged`."""
        text = self.log_path.read_bytes()[logged:].decode(errors="replace")
        if "Address already in use" in text:
            return PortTaken(f"{self.name}: its port is in use")
        lines = [line for line in text.splitlines() if line.strip()]
        telling = [line for line in lines if any(word in line for word in TELLING)]
        reason = telling[0] if telling else lines[-1] if lines else "it ended without a word"
        return EngineError(f"{self.name} did not start: {_plain(reason)} (log: {self.log_path})")


def _plain(line: str) -> str:
    """A log line without its moment, level and program."""
    return line.rsplit("FATAL:", 1)[-1].strip().removeprefix("postgres: ").removeprefix("initdb: ")
