"""The intent service as it is deployed, and peers with the same model file: each one a process kept to one core."""

import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired
from typing import IO, Any, Literal

from bench.peers.environment import peers_python
from bench.rig.meters import cpu_seconds, family
from bench.rig.stack import data_folder
from kuajie.databases import prepare, sqlalchemy_url
from kuajie.engines import PostgresEngine, RedisEngine
from kuajie.ports import free_ports
from services.kit.identity import Caller, Keyring

KEYS = "bench:0123456789abcdef0123456789abcdef"
REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_S = 30.0
"""How long a process may take to end when it is asked to."""

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Server:
    """A process that answers POST `url` with `{"results": […]}`, one for each of `{"texts": […]}`."""

    name: str
    url: str
    pid: int
    headers: Mapping[str, str] = field(default_factory=dict)
    gathers: bool = True
    """Computes texts of several requests together; what does not is asked for one text at a time only."""

    def signal(self, number: int) -> None:
        """To it and its children: SIGSTOP while another is measured (LitServe is never quite idle), SIGCONT after."""
        _signal(family(self.pid), number)

    def cpu(self) -> float:
        """Processor seconds of it and its children so far."""
        return sum(map(cpu_seconds, family(self.pid)))


def started(command: Sequence[str | Path], core: int | None, settings: Mapping[str, str], **pipes: Any) -> Popen[str]:
    """A process that, with all that it starts, keeps to one core (None: to none)."""
    words = [*([] if core is None else ["taskset", "--cpu-list", str(core)]), *map(str, command)]
    return Popen(words, env={**os.environ, **settings}, cwd=REPOSITORY, text=True, **pipes)


@contextmanager
def pinned(
    command: Sequence[str | Path],
    core: int | None,
    settings: Mapping[str, str],
    log: IO[str] | None = None,
    *,
    patience_s: float = PATIENCE_S,
) -> Iterator[int]:
    """Such a process until the block ends: its pid. `log` takes its standard error. What does not end in `patience_s` is killed."""
    with started(command, core, settings, stderr=log) as process:
        try:
            yield process.pid
        finally:
            members = family(process.pid)
            process.terminate()
            _signal(members, signal.SIGCONT)  # what was made to stand still would never end
            try:
                process.wait(patience_s)
            except TimeoutExpired:
                process.kill()
            _signal(members[1:], signal.SIGKILL)  # LitServe leaves its workers behind


def _signal(members: Sequence[int], number: int) -> None:
    """To those that are still there."""
    for member in members:
        with suppress(ProcessLookupError):
            os.kill(member, number)


@contextmanager
def stores() -> Iterator[dict[str, str]]:
    """The engines of a laptop with an empty database: what the intent service is told of them."""
    with data_folder() as folder:
        folder.mkdir(mode=0o755)
        with PostgresEngine(folder / "postgres") as server, RedisEngine(folder / "redis") as redis:
            url = sqlalchemy_url(server, "intent")
            prepare(server, {"intent": url}, ["intent"])
            yield {
                "KUAJIE_INTENT_DATABASE_URL": url,
                "KUAJIE_REDIS_URL": redis,
                "KUAJIE_ARTIFACTS_DIR": str(folder / "artifacts"),
            }


@contextmanager
def ours(model: Path, core: int | None, settings: Mapping[str, str], *, log: IO[str] | None = None) -> Iterator[Server]:
    """The service with the role of a pod that answers, one compute thread and no response cache, so that every text is computed.

    `log` takes its access log.
    """
    port = free_ports()
    told = {
        "KUAJIE_INTERNAL_KEYS": KEYS,
        "KUAJIE_INTENT_MODEL_DIR": str(model),
        "KUAJIE_INTENT_ROLES": '["api"]',
        "KUAJIE_INTENT_CACHE_ANSWERS": "0",
        "KUAJIE_DEFAULT_DEADLINE_MS": "60000",
        "KUAJIE_LOG_LEVEL": "error" if log is None else "info",
        "KUAJIE_ACCESS_LOG": str(log is not None),
        **settings,
    }
    caller = Caller("default", "bench", "server", frozenset({"understand"}))
    headers = {"Authorization": f"Bearer {Keyring(KEYS).sign(caller, lifetime_s=3600)}"}
    with pinned([sys.executable, "-m", "kuajie.serving", "intent", "--port", str(port)], core, told, log) as pid:
        yield Server("ours", f"http://127.0.0.1:{port}/v1/understand", pid, headers)


@contextmanager
def litserve(model: Path, core: int | None, *, batch: int, wait_ms: int, budget: int) -> Iterator[Server]:
    port = free_ports()
    told = [str(model), str(port), str(batch), str(wait_ms / 1000), str(budget)]
    with pinned([peers_python(), "-m", "bench.peers.litserve_peer", *told], core, {}) as pid:
        yield Server("litserve", f"http://127.0.0.1:{port}/predict", pid)


@contextmanager
def mosec(model: Path, core: int | None, *, batch: int, wait_ms: int, budget: int) -> Iterator[Server]:
    port = free_ports()
    told = {
        "PEER_FOLDER": str(model),
        "PEER_BATCH": str(batch),
        "PEER_WAIT_MS": str(wait_ms),
        "PEER_BUDGET": str(budget),
    }
    words = ["-m", "bench.peers.mosec_peer", "--address", "127.0.0.1", "--port", str(port), "--log-level", "error"]
    with pinned([peers_python(), *words, "--timeout", "60000"], core, told) as pid:
        yield Server("mosec", f"http://127.0.0.1:{port}/inference", pid)


@contextmanager
def least(kind: Literal["answers", "refuses"], model: Path, texts: Path, core: int | None) -> Iterator[Server]:
    """`bench.rig.least`."""
    port = free_ports()
    with pinned([sys.executable, "-m", "bench.rig.least", kind, model, texts, str(port)], core, {}) as pid:
        yield Server(f"least_that_{kind}", f"http://127.0.0.1:{port}/", pid, gathers=False)


class Limit:
    """`bench.peers.raw` at work: what the file does with no server around it."""

    def __init__(self, process: Popen[str]) -> None:
        self._process = process
        self.size = int(self._read()["size"])

    def batched(self) -> dict[str, float]:
        """Seconds and processor seconds of all texts once."""
        return self._ask(0)

    def single(self, texts: int) -> list[float]:
        return list(self._ask(texts)["latencies"])

    def _ask(self, texts: int) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"single": texts}) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found


@contextmanager
def limit(model: Path, texts: Path, core: int | None) -> Iterator[Limit]:
    command = [sys.executable, "-m", "bench.peers.raw", str(model), str(texts)]
    with started(command, core, {}, stdin=PIPE, stdout=PIPE) as process:
        try:
            yield Limit(process)
        finally:
            process.terminate()
