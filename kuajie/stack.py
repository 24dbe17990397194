"""A whole Kuajie on one machine: engines, databases, five services, kept running until told to stop."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kuajie.credentials import Secrets, stack_secrets
from kuajie.data_folder import DataFolder
from kuajie.databases import sqlalchemy_url
from kuajie.engines import PostgresEngine, RedisEngine
from kuajie.failures import CommandError
from kuajie.gateway import Gateway
from kuajie.ports import answers, port_is_free
from kuajie.processes import guarded
from kuajie.readiness import not_ready
from kuajie.serving import __name__ as serving_module
from kuajie.supervisor import Say, ServiceProcess, Supervisor
from kuajie.topology import GATEWAY, SERVICES, WITH_DATABASE, Topology, database_variable

READY_SECONDS = 90.0
DEATHS_AT_START = 3
ALONE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class Stores:
    """Where PostgreSQL and Redis are; `server` is the bundled PostgreSQL, None when every database is the operator's."""

    databases: Mapping[str, str]
    redis: str
    server: str | None

    def bundled(self) -> list[str]:
        return [service for service in self.databases if database_variable(service) not in os.environ]

    def variables(self) -> dict[str, str]:
        databases = {database_variable(service): url for service, url in self.databases.items()}
        return {**databases, "KUAJIE_REDIS_URL": self.redis}


@dataclass
class Stack:
    """One stack on one data folder, which the caller holds. `start` and `stop` run on the main thread."""

    folder: DataFolder
    topology: Topology
    say: Say
    started_at: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(self._say)
        self._unrecorded: str | None = None
        """Why what has changed is not in stack.json yet."""
        self.secrets: Secrets = stack_secrets(self.folder)

    def start(self) -> None:
        """Returns when all five services are ready. Raises CommandError; what was started then still has to be stopped."""
        self._refuse_taken_ports()
        stores = self._start_engines()
        self._prepare_databases(stores)
        environment = self._environment(stores)
        for service in SERVICES:
            self.supervisor.start(self._service(service, environment))
        self._await_ready()
        self._record("ready")

    def run(self) -> None:
        """Tend the processes until interrupted."""
        while True:
            self.tend()
            time.sleep(0.2)

    def tend(self) -> None:
        """A full disk ends nothing: what could not be recorded is recorded once it can be."""
        if not self.supervisor.tend() and self._unrecorded is None:
            return
        try:
            self._record("ready")
        except OSError as error:
            if self._unrecorded != error.strerror:
                self._say(f"cannot write stack.json: {error.strerror}")
            self._unrecorded = error.strerror or type(error).__name__
        else:
            self._unrecorded = None

    def stop(self) -> None:
        self.supervisor.stop_all()
        self.folder.forget("stack.json")

    def state(self, status: str) -> dict[str, Any]:
        """What the command line needs to find this stack, and a person to look into it."""
        return {
            "status": status,
            "url": self.topology.url(GATEWAY),
            "api_key": self.secrets.api_key,
            "pid": os.getpid(),
            "services": {service: self.topology.url(service) for service in SERVICES},
            "pids": self.supervisor.pids(),
            "artifacts": str(self.folder.artifacts),
            "started_at": self.started_at,
        }

    def gateway(self) -> Gateway:
        return Gateway(self.topology.url(GATEWAY), self.secrets.api_key, self.folder.artifacts)

    def _say(self, text: str) -> None:
        with suppress(OSError):  # the log is on the same disk
            self.say(text)

    def _record(self, status: str) -> None:
        self.folder.write("stack.json", self.state(status))

    def _refuse_taken_ports(self) -> None:
        taken = [f"{port} ({service})" for service, port in self.topology.ports().items() if not port_is_free(port)]
        if taken:
            ports = "port " + taken[0] if len(taken) == 1 else "ports " + ", ".join(taken)
            verb = "is" if len(taken) == 1 else "are"
            raise CommandError(f"{ports} {verb} in use by another program: choose others with --port")

    def _start_engines(self) -> Stores:
        given = {service: os.environ.get(database_variable(service)) for service in WITH_DATABASE}
        own = set(self.topology.ports().values())  # free until the services start, which come last
        server = None
        if not all(given.values()):
            postgres = PostgresEngine(self.folder.engines, avoid=own)
            self.supervisor.start(postgres)
            server = postgres.url
        redis_url = os.environ.get("KUAJIE_REDIS_URL")
        if not redis_url:
            redis = RedisEngine(self.folder.engines, avoid=own)
            self.supervisor.start(redis)
            redis_url = redis.url
        elif not answers(redis_url):
            self.say(
                "KUAJIE_REDIS_URL does not answer: events are kept and wait, and recommendations learn of them later"
            )
        databases = {service: url or sqlalchemy_url(str(server), service) for service, url in given.items()}
        return Stores(databases, redis_url, server)

    def _prepare_databases(self, stores: Stores) -> None:
        order = {"server": stores.server, "urls": stores.databases, "ours": stores.bundled()}
        command = guarded([sys.executable, "-m", "kuajie.databases"], signal.SIGKILL)
        done = subprocess.run(command, input=json.dumps(order), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or ["preparing the databases failed"]
            raise CommandError(lines[-1])
        if moved := json.loads(done.stdout):
            self.say(f"migrated: {', '.join(moved)}")

    def _environment(self, stores: Stores) -> dict[str, str]:
        """The operator's environment, the stack's own addresses and secrets above it."""
        return {
            **ALONE,
            **os.environ,
            **stores.variables(),
            **self.topology.back_end_urls(),
            "KUAJIE_INTERNAL_KEYS": os.environ.get("KUAJIE_INTERNAL_KEYS") or self.secrets.internal_keys,
            "KUAJIE_INTENT_SEALING_KEYS": os.environ.get("KUAJIE_INTENT_SEALING_KEYS") or self.secrets.sealing_keys,
            "KUAJIE_GATEWAY_KEYS_FILE": str(self.folder.gateway_keys),
            "KUAJIE_ARTIFACTS_DIR": str(self.folder.artifacts),
            "PYTHONUNBUFFERED": "1",
        }

    def _service(self, service: str, environment: Mapping[str, str]) -> ServiceProcess:
        port = self.topology.ports()[service]
        command = [sys.executable, "-m", serving_module, service, "--port", str(port)]
        return ServiceProcess(service, command, environment, self.folder.log_of(service))

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        waiting = dict(self.topology.ports())
        while waiting:
            self.supervisor.tend()
            reasons = {service: not_ready(port) for service, port in waiting.items()}
            waiting = {service: port for service, port in waiting.items() if reasons[service]}
            for service in waiting:
                if self.supervisor.deaths(service) >= DEATHS_AT_START or time.monotonic() > deadline:
                    raise self._not_started(service, str(reasons[service]))
            time.sleep(0.05)

    def _not_started(self, service: str, reason: str) -> CommandError:
        log = self.folder.log_of(service)
        last = last_line(log)
        return CommandError(f"{service} does not start: {reason}; it last said: {last} (log: {log})")


def last_line(log: Path) -> str:
    """The last thing that a log says; a few kilobytes are looked at."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8192))
        lines = file.read().decode(errors="replace").split("\n")
    return next((line.strip()[:300].removeprefix("kuajie: ") for line in reversed(lines) if line.strip()), "nothing")
