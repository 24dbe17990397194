"""Real stores and real applications for tests: PostgreSQL and Redis from the wheels, a fresh database for each test."""

import asyncio
import gc
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import redis as sync_redis
from fastapi import FastAPI
from hypothesis import settings

from kuajie.engines import PostgresEngine, RedisEngine
from services.kit.database import migrate
from services.kit.identity import Caller, Keyring
from services.kit.settings import SharedSettings

INTERNAL_KEYS = "test:0123456789abcdef0123456789abcdef"
REPOSITORY = Path(__file__).resolve().parent.parent
UNHURRIED = {"X-Request-Deadline-Ms": "60000"}
"""The routes' own deadlines are for machines that do nothing else."""

# How long an example takes is the machine's affair, and no test's.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

MakeDatabase = Callable[[str], str]
Headers = Callable[..., dict[str, str]]
OpenClient = Callable[[FastAPI], AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture(scope="module", autouse=True)
def frozen_past() -> None:
    """As a service does once it has started (`kuajie/serving.py`): what lives by now stays, and no collection looks at it again.

    Otherwise each one walks through whatever two thousand tests before it have left, for seconds towards the end.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def engines_folder() -> Iterator[Path]:
    """A folder that the engines' unprivileged user can reach, wherever the tests run."""
    with tempfile.TemporaryDirectory(prefix="kuajie-tests-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres(engines_folder: Path) -> Iterator[str]:
    """A PostgreSQL server; its URL without a database, e.g. `postgresql+asyncpg://user:password@127.0.0.1:5432`."""
    with PostgresEngine(engines_folder / "postgres", fast=True) as url:
        yield url.replace("postgresql://", "postgresql+asyncpg://")


@pytest.fixture(scope="session")
def redis_server(engines_folder: Path) -> Iterator[str]:
    with RedisEngine(engines_folder / "redis") as url:
        yield url


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """An empty Redis. Its URL has clients wait longer than the product's tenth of a second: this machine may stand still for one."""
    with sync_redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return f"{redis_server}?socket_timeout=30&socket_connect_timeout=30"


@pytest.fixture(scope="session")
def templates(postgres: str) -> Callable[[str], str]:
    """Migrates one template a service, once a session; gives its name."""
    made: dict[str, str] = {}

    def template(service: str) -> str:
        if service not in made:
            made[service] = f"template_{service}"
            asyncio.run(_run_sql(postgres, f'CREATE DATABASE "{made[service]}"'))
            migrate(f"{postgres}/{made[service]}", REPOSITORY / "services" / service / "migrations")
        return made[service]

    return template


@pytest.fixture
def make_database(postgres: str, templates: Callable[[str], str]) -> Iterator[MakeDatabase]:
    """`make_database("profile")`: the URL of a new, migrated database, dropped after the test."""
    made: list[str] = []

    def make(service: str) -> str:
        name = f"{service}_{uuid4().hex}"
        source = templates(service)
        _in_thread(_run_sql(postgres, f'CREATE DATABASE "{name}" TEMPLATE "{source}"'))
        made.append(name)
        return f"{postgres}/{name}"

    yield make
    for name in made:
        _in_thread(_run_sql(postgres, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


@pytest.fixture
def shared_settings(tmp_path: Path, redis_url: str) -> SharedSettings:
    return SharedSettings(
        redis_url=redis_url,  # type: ignore[arg-type]  # pydantic makes the secret
        internal_keys=INTERNAL_KEYS,  # type: ignore[arg-type]
        artifacts_dir=tmp_path / "artifacts",
        log_level="warning",
        default_deadline_ms=60_000,
    )


@pytest.fixture(scope="session")
def internal_headers() -> Headers:
    """`internal_headers("profile:read", …)`: what the gateway would send, for as long as a test may take."""
    keyring = Keyring(INTERNAL_KEYS)

    def headers(*scopes: str, subject: str = "srv", kind: str = "server", tenant: str = "default") -> dict[str, str]:
        caller = Caller(tenant, subject, kind, frozenset(scopes))  # type: ignore[arg-type]
        return {"Authorization": f"Bearer {keyring.sign(caller, lifetime_s=3600)}"}

    return headers


@pytest.fixture
def app_client() -> OpenClient:
    """`async with app_client(app) as client`: the application with its lifespan run, called in process by somebody who has time."""

    @asynccontextmanager
    async def open_client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://test", headers=UNHURRIED) as client,
        ):
            yield client

    return open_client


async def _run_sql(server: str, statement: str) -> None:
    connection = await asyncpg.connect(server.replace("+asyncpg", "") + "/postgres")
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _in_thread(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end, from inside or outside a running loop."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()
