"""`kuajie up --detach`: a stack in a session of its own, watched until it is ready."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from kuajie.failures import CommandError
from kuajie.stack import last_line
from kuajie.up import Request, run

LOG = "kuajie"


@dataclass(frozen=True, slots=True)
class PipeReporter:
    """Tells the command that waits, one JSON line a message; whatever is said also stays in the stack's log."""

    pipe: IO[str]

    def say(self, text: str) -> None:
        sys.stderr.write(f"kuajie: {text}\n")
        sys.stderr.flush()
        self._tell({"say": text})

    def ready(self, state: dict[str, Any]) -> None:
        self._tell({"ready": state})
        self.pipe.close()

    def failed(self, text: str) -> None:
        sys.stderr.write(f"kuajie: {text}\n")
        self._tell({"failed": text})

    def _tell(self, message: dict[str, Any]) -> None:
        if self.pipe.closed:
            return
        try:
            self.pipe.write(json.dumps(message) + "\n")
            self.pipe.flush()
        except BrokenPipeError:  # the waiting command was ended; the stack goes on
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.pipe.fileno())


def start(request: Request, say: Callable[[str], None]) -> dict[str, Any]:
    """Start a stack behind our back; its state once it is ready. Raises CommandError with the reason when it fails."""
    request.folder.make()
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "kuajie", "up", "--port", str(request.topology.port)]
    command += ["--data", str(request.folder.path), "--report-to", str(writing), *(["--demo"] if request.demo else [])]
    with request.folder.log_of(LOG).open("ab") as log:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[writing], start_new_session=True
        )
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            return _await_ready(pipe, say, request.folder.log_of(LOG))
    except (CommandError, KeyboardInterrupt):
        child.send_signal(signal.SIGTERM)
        child.wait()
        raise


def run_reporting(request: Request, descriptor: int) -> None:
    """Be the stack behind somebody's back: tell the waiting command through the pipe on `descriptor`."""
    with os.fdopen(descriptor, "w") as pipe:
        reporter = PipeReporter(pipe)
        try:
            run(request, reporter)
        except CommandError as error:
            reporter.failed(str(error))
            sys.exit(error.exit_code)


def _await_ready(pipe: IO[str], say: Callable[[str], None], log: Path) -> dict[str, Any]:
    for line in pipe:
        message = json.loads(line)
        if "say" in message:
            say(message["say"])
        elif "failed" in message:
            raise CommandError(message["failed"])
        else:
            state: dict[str, Any] = message["ready"]
            return state
    raise CommandError(f"the stack ended before it was ready; it last said: {last_line(log)} (log: {log})")
