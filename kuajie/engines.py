"""PostgreSQL and Redis of a laptop: children of this process, on 127.0.0.1, behind a password, never root.

    with PostgresEngine(folder) as server_url, RedisEngine(folder) as redis_url: ...

Port and password are remembered in `<folder>/<engine>.json`, so a later start answers at the same address.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from kuajie.binaries import EngineError, postgres_programs, reachable, redis_programs, scratch_folder
from kuajie.engine import Address, Engine
from kuajie.ports import LOOPBACK
from kuajie.private_files import write_private
from kuajie.processes import Identity, command_line, run_as

__all__ = ["EngineError", "PostgresEngine", "RedisEngine", "scratch_folder"]

USER = "kuajie"
PREDECESSOR_SECONDS = 15.0
POSTGRES_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
}
WITHOUT_CRASH_SAFETY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresEngine(Engine):
    """PostgreSQL over TCP with scram-sha-256; `start` returns `postgresql://user:password@host:port`, no database."""

    name = "PostgreSQL"
    # Immediate shutdown: the postmaster ends its children within 5 s by force; the log is replayed at the next start.
    death_signal = signal.SIGQUIT
    stop_signals = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 8.0))

    def _url_of(self, address: Address) -> str:
        return f"postgresql://{USER}:{address.password}@{LOOPBACK}:{address.port}"

    def _prepare(self, identity: Identity | None, address: Address) -> None:
        if self.folder.exists():
            self._clear_stale_lock()
        else:
            self._create(identity, address)

    def _create(self, identity: Identity | None, address: Address) -> None:
        """initdb beside the final place, then a rename: an interrupted first start leaves nothing half made."""
        unfinished = self.data_dir / ".postgresql.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        password_file = self.data_dir / ".postgresql.password"
        write_private(password_file, address.password)
        if identity:
            for path in (unfinished, password_file):
                os.chown(path, identity.uid, identity.gid)
        initdb = reachable(postgres_programs(), identity) / "initdb"
        options = f"-U {USER} -A scram-sha-256 -E UTF8 --locale-provider=builtin --builtin-locale=C.UTF-8 --no-locale"
        safety = ["--no-sync"] if self.fast else []
        command = [str(initdb), *options.split(), *safety, f"--pwfile={password_file}", "-D", str(unfinished)]
        with self.log_path.open("ab") as log:
            logged = log.tell()
            status = run_as(command, log=log, identity=identity)
        password_file.unlink()
        if status != 0:
            raise self._failure(logged)
        unfinished.rename(self.folder)

    def _clear_stale_lock(self) -> None:
        """A killed postmaster leaves postmaster.pid: wait for one that is still ending, drop one of a stranger."""
        lock = self.folder / "postmaster.pid"
        deadline = time.monotonic() + PREDECESSOR_SECONDS
        while (pid := _pid_in(lock)) is not None:
            if not self._is_ours(pid):
                lock.unlink(missing_ok=True)
            elif time.monotonic() > deadline:
                raise EngineError(f"{self.folder} is in use by a running PostgreSQL (pid {pid})")
            else:
                time.sleep(0.05)

    def _is_ours(self, pid: int) -> bool:
        shown = command_line(pid)
        return str(self.folder) in shown and "postgres" in shown

    def _command(self, identity: Identity | None, address: Address) -> list[str]:
        program = reachable(postgres_programs(), identity) / "postgres"
        settings = {**POSTGRES_SETTINGS, "port": str(address.port), **(WITHOUT_CRASH_SAFETY if self.fast else {})}
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return [str(program), "-D", str(self.folder), *options]

    def _settings(self, address: Address) -> bytes:
        return b""

    def _ready(self, process: subprocess.Popen[bytes], address: Address) -> bool:
        """The eighth line of postmaster.pid is its status (storage/pidfile.h)."""
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready"


def _pid_in(lock: Path) -> int | None:
    """The pid in a lock file, 0 where it holds none yet; None when there is no such file (any more)."""
    try:
        return int(lock.read_text().split("\n", 1)[0] or 0)
    except FileNotFoundError:
        return None


class RedisEngine(Engine):
    """Redis (or Valkey) that keeps nothing on disk: the relay publishes again from PostgreSQL what was in it."""

    name = "Redis"
    death_signal = signal.SIGKILL
    stop_signals = ((signal.SIGTERM, 5.0),)

    def _url_of(self, address: Address) -> str:
        return f"redis://:{address.password}@{LOOPBACK}:{address.port}/0"

    def _prepare(self, identity: Identity | None, address: Address) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if identity:
            os.chown(self.folder, identity.uid, identity.gid)

    def _command(self, identity: Identity | None, address: Address) -> list[str]:
        programs, name = redis_programs()
        return [str(reachable(programs, identity) / name), "-"]

    def _settings(self, address: Address) -> bytes:
        # Caches have a lifetime and may be evicted; streams have none, so volatile-lru never drops them.
        lines = (
            f"bind {LOOPBACK}",
            f"port {address.port}",
            f"requirepass {address.password}",
            f'dir "{self.folder}"',
            'save ""',
            "appendonly no",
            "maxmemory 512mb",
            "maxmemory-policy volatile-lru",
        )
        return "\n".join(lines).encode()

    def _ready(self, process: subprocess.Popen[bytes], address: Address) -> bool:
        try:
            with socket.create_connection((LOOPBACK, address.port), timeout=1) as connection:
                connection.sendall(f"AUTH {address.password}\r\n".encode())
                return connection.recv(64).startswith(b"+OK")
        except OSError:
            return False
