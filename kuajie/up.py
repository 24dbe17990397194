"""`kuajie up` and `kuajie down`: a stack in front of a person, or behind their back."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any, Protocol

from kuajie.data_folder import DataFolder
from kuajie.demonstration import REMEMBERED
from kuajie.failures import CommandError
from kuajie.gateway import Gateway
from kuajie.processes import command_line, guarded
from kuajie.stack import Stack
from kuajie.topology import Topology

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOP_SECONDS = 45.0
WARMING_CALLS = 3
STRANGER = json.dumps({"user_id": "u1", "message": "我想买一份重疾险", "locale": "zh-CN"}, ensure_ascii=False)


class Reporter(Protocol):
    """Whom a starting stack tells: a terminal, or the command that waits for it."""

    def say(self, text: str) -> None: ...
    def ready(self, state: dict[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class Request:
    """What `kuajie up` was asked for."""

    folder: DataFolder
    topology: Topology
    demo: bool


def run(request: Request, reporter: Reporter) -> None:
    """Run a stack until a signal ends it. Raises CommandError when it cannot start; nothing then stays behind."""
    request.folder.make()
    with request.folder.held(), interruptible():
        stack = Stack(request.folder, request.topology, reporter.say)
        try:
            stack.start()
            if request.demo:
                load_demo_once(stack, reporter)
            demo = request.folder.read(REMEMBERED)
            example = demo["example"] if demo else STRANGER
            warm(stack.gateway(), example)
            reporter.ready({**stack.state("ready"), "demo": demo is not None, "example": example})
            stack.run()
        except KeyboardInterrupt:
            reporter.say("stopping")
        finally:
            for number in ENDING:
                signal.signal(number, signal.SIG_IGN)
            stack.stop()


@contextmanager
def interruptible() -> Iterator[None]:
    """Let every ending signal raise KeyboardInterrupt, even where a shell's `&` made this process ignore Ctrl-C."""
    before = {number: signal.signal(number, _interrupt) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def warm(gateway: Gateway, example: str) -> None:
    """A few composed calls, so that the first one of a person finds connections open and code loaded."""
    for _ in range(WARMING_CALLS):
        try:
            gateway.post("/v1/recommend", example.encode())
        except CommandError as error:
            raise CommandError(f"the stack is up, but its first call fails: {error}") from error


def load_demo_once(stack: Stack, reporter: Reporter) -> None:
    """Load the demo unless this folder has it already; a load that was cut short starts again and adds only what is missing."""
    if stack.folder.read(REMEMBERED) is not None:
        return
    reporter.say("loading the demo: invented people, courses and events (a minute or so)")
    environment = {
        **os.environ,
        "KUAJIE_URL": stack.gateway().url,
        "KUAJIE_API_KEY": stack.secrets.api_key,
        "KUAJIE_ARTIFACTS_DIR": str(stack.folder.artifacts),
    }
    command = guarded([sys.executable, "-m", "kuajie.demonstration"], signal.SIGKILL)
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as loading:
        try:
            while loading.poll() is None:
                stack.supervisor.tend()
                time.sleep(0.1)
        finally:
            loading.kill()
        output = loading.stdout.read() if loading.stdout else b""
    loaded: dict[str, Any] = json.loads(output) if output else {"error": "loading the demo failed"}
    if "error" in loaded:
        raise CommandError(loaded["error"])
    stack.folder.write(REMEMBERED, loaded)
    sums = loaded["loaded"]
    reporter.say(
        f"loaded {sums['events']} events of {sums['people']} people on {sums['items']} items, and fitted everything"
    )


def down(folder: DataFolder) -> int | None:
    """End the stack that runs on the folder and wait until it is gone; its pid, None when none ran."""
    pid = folder.holder()
    if pid is None:
        return None
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while folder.holder() == pid or "kuajie" in command_line(pid):
        if time.monotonic() > deadline:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)  # the kernel ends its children with it
        time.sleep(0.05)
    return pid
