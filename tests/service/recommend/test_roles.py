"""A process in the role `worker` alone."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
from fastapi import FastAPI

import services.recommend
from services.kit.database import migrate
from services.kit.settings import SharedSettings
from services.recommend.app import create_app
from services.recommend.settings import RecommendSettings

OpenClient = Callable[[FastAPI], AbstractAsyncContextManager[httpx.AsyncClient]]
MIGRATIONS = Path(services.recommend.__file__).parent / "migrations"


async def test_a_worker_that_started_before_the_migration_is_ready_after_it(
    postgres: str, app_client: OpenClient, shared_settings: SharedSettings
) -> None:
    name = f"recommend_{uuid4().hex}"
    server = await asyncpg.connect(postgres.replace("+asyncpg", "") + "/postgres")
    await server.execute(f'CREATE DATABASE "{name}"')
    try:
        settings = RecommendSettings(
            shared=shared_settings,
            database_url=f"{postgres}/{name}",  # type: ignore[arg-type]  # pydantic makes the secret
            roles=frozenset({"worker"}),
        )
        async with app_client(create_app(settings)) as client:
            assert (await client.get("/readyz")).status_code == 503
            await asyncio.to_thread(migrate, f"{postgres}/{name}", MIGRATIONS)
            assert (await client.get("/readyz")).text == "ready"
    finally:
        await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await server.close()
