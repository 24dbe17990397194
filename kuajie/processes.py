"""Processes that cannot outlive this one."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LAUNCHER = Path(__file__).with_name("child.py")


@dataclass(frozen=True, slots=True)
class Identity:
    """The user and group that a child runs as."""

    uid: int
    gid: int


def guarded(command: Sequence[str], death_signal: signal.Signals, identity: Identity | None = None) -> list[str]:
    """`command`, to be started by this process's main thread, such that it gets `death_signal` when this process is gone."""
    who = f"{identity.uid}:{identity.gid}" if identity else "-"
    return [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(int(death_signal)), who, *command]


def spawn(
    command: Sequence[str],
    *,
    log: IO[bytes],
    death_signal: signal.Signals,
    identity: Identity | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, so that Ctrl-C on our terminal reaches only us.

    The kernel sends `death_signal` to it when this process is gone, even by kill -9. It watches the thread that forked,
    so this must be the main thread. On systems other than Linux nobody watches. `stdin` fits a pipe's buffer (64 KiB).
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("a child dies with the thread that starts it: start it from the main thread")
    process = subprocess.Popen(
        guarded(command, death_signal, identity),
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        cwd=cwd,
        env=env,
        start_new_session=True,
    )
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(stdin)
    return process


def run_as(command: Sequence[str], *, log: IO[bytes], identity: Identity | None) -> int:
    """Run `command` to its end; its exit status."""
    return spawn(command, log=log, death_signal=signal.SIGKILL, identity=identity).wait()


def command_line(pid: int) -> str:
    """The words that `pid` was started with; empty when there is no such process."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
        except OSError:
            return ""
    shown = subprocess.run(["/bin/ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip()


def stop(process: subprocess.Popen[bytes], signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send each signal in turn, waiting its seconds, until the process is gone; SIGKILL comes last."""
    for number, seconds in (*signals, (signal.SIGKILL, 10.0)):
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
