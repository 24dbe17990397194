"""One service on engines of its own, for benchmarks that leave the gateway out."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bench.rig.stack import StackFailed, data_folder
from kuajie.databases import prepare, sqlalchemy_url
from kuajie.engines import PostgresEngine, RedisEngine
from kuajie.ports import free_ports
from kuajie.topology import database_variable
from services.kit.identity import Caller, Keyring

KEYS = "bench:0123456789abcdef0123456789abcdef"
READY_S = 30


@dataclass(frozen=True, slots=True)
class Stores:
    """Where a service keeps what it has: a migrated database, a Redis, a folder for artifacts."""

    database_url: str  # as SQLAlchemy takes it
    redis_url: str
    artifacts: Path

    @property
    def asyncpg_url(self) -> str:
        return self.database_url.replace("+asyncpg", "")


@dataclass(frozen=True, slots=True)
class Service:
    """A running service, by its address and its process."""

    url: str
    pid: int


@contextmanager
def stores(service: str) -> Iterator[Stores]:
    """Engines as a laptop has them."""
    with data_folder() as folder:
        folder.mkdir(mode=0o755)
        with PostgresEngine(folder / "postgres") as server, RedisEngine(folder / "redis") as redis:
            url = sqlalchemy_url(server, service)
            prepare(server, {service: url}, [service])
            yield Stores(url, redis, folder / "artifacts")


@contextmanager
def running(service: str, on: Stores, settings: Mapping[str, str] | None = None) -> Iterator[Service]:
    """One process of the service in both its roles."""
    port = free_ports()
    environment = {
        **os.environ,
        database_variable(service): on.database_url,
        "KUAJIE_REDIS_URL": on.redis_url,
        "KUAJIE_INTERNAL_KEYS": KEYS,
        "KUAJIE_ARTIFACTS_DIR": str(on.artifacts),
        "KUAJIE_LOG_LEVEL": "error",
        **(settings or {}),
    }
    command = [sys.executable, "-m", "kuajie.serving", service, "--port", str(port)]
    with subprocess.Popen(command, env=environment) as process:
        try:
            yield Service(f"http://127.0.0.1:{port}", process.pid)
        finally:
            process.terminate()


async def ready(session: aiohttp.ClientSession) -> None:
    """Returns once the service says so; StackFailed when it has not after half a minute."""
    for _ in range(READY_S * 10):
        try:
            async with session.get("/readyz") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.1)
    raise StackFailed(f"the service was not ready within {READY_S} seconds")


def signed(tenant: str, *scopes: str) -> dict[str, str]:
    """The header that a back end accepts as the gateway's, for an hour."""
    token = Keyring(KEYS).sign(Caller(tenant, "bench", "server", frozenset(scopes)), lifetime_s=3600)
    return {"Authorization": f"Bearer {token}"}
