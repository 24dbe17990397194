"""The intent service: what texts want."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from services.intent.assist.desk import open_desk
from services.intent.monitor.worker import classify
from services.intent.resources import Resources
from services.intent.routes import assist, hand_offs, monitor, understand
from services.intent.serving.engine import Engine, EngineConfig
from services.intent.serving.loading import load
from services.intent.serving.metrics import EngineMetrics
from services.intent.serving.waiting import Limits
from services.intent.settings import IntentSettings
from services.kit.app import MIB, build_app
from services.kit.cache import open_redis
from services.kit.database import UNREACHABLE, Database
from services.kit.tasks import background

MIGRATIONS = Path(__file__).parent / "migrations"
ROUTERS = (understand.router, assist.router, hand_offs.router, monitor.router)
BODY_LIMIT = 2 * MIB
"""64 texts of 2,000 characters, each written as a 12-byte JSON escape."""
DEADLINES_MS = {"/v1/assist": 5_000, "/v1/monitor": 5_000}


def create_app(settings: IntentSettings | None = None) -> FastAPI:
    """The application; settings come from the environment when not given."""
    chosen = settings or IntentSettings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _opened(chosen) as resources:
            app.state.resources = resources
            yield

    return build_app(
        "intent",
        title="Kuajie intent",
        shared=chosen.shared,
        lifespan=lifespan,
        routers=ROUTERS,
        ready=_ready,
        max_body_bytes=BODY_LIMIT,
        deadlines=DEADLINES_MS,
    )


@asynccontextmanager
async def _opened(settings: IntentSettings) -> AsyncIterator[Resources]:
    """Everything the service holds, closed in reverse."""
    db = Database.open(settings.database_url.get_secret_value(), pool_size=settings.database_pool_size)
    redis = open_redis(settings.shared.redis_url.get_secret_value())
    try:
        async with (
            Engine(lambda: load(settings), EngineMetrics, _config(settings)) as engine,
            open_desk(settings, engine, db, redis) as desk,
        ):
            work = [classify(db, engine)] if "worker" in settings.roles else []
            async with background(*work):
                yield Resources(settings, engine, db, redis, desk)
    finally:
        await redis.aclose()
        await db.close()


def _config(settings: IntentSettings) -> EngineConfig:
    limits = Limits(
        token_budget=settings.token_budget,
        batch_texts=settings.batch_texts,
        queue_texts=settings.queue_texts,
        bulk_delay_s=settings.bulk_delay_ms / 1000,
    )
    return EngineConfig(limits, settings.encoders, settings.runners, settings.drain_s, settings.cache_answers)


async def _ready(app: FastAPI) -> Sequence[str]:
    """Not ready without a model, or on a database of another build.

    A database that is unreachable is no reason: understanding needs none, and what does need it says so with a 503.
    """
    resources: Resources = app.state.resources
    stored = [reason for reason in await resources.db.ready(MIGRATIONS) if reason != UNREACHABLE]
    return [*resources.engine.not_ready(), *stored]
