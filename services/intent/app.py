"""The intent service: what texts want."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from services.intent.assist.desk import open_desk
from services.intent.monitor.sealing import Sealer
from services.intent.monitor.turns import Turns
from services.intent.monitor.work import monitoring
from services.intent.resources import Resources
from services.intent.routes import (
    assist,
    assist_reports,
    hand_offs,
    inference,
    knowledge,
    models,
    monitor,
    monitor_alerts,
    monitor_webhooks,
    understand,
)
from services.intent.serving.agreement import Tally
from services.intent.serving.engine import Engine
from services.intent.serving.library import Installed, Library
from services.intent.serving.metrics import RegistryMetrics
from services.intent.serving.opening import Sizes
from services.intent.serving.reconciler import Reconciler
from services.intent.serving.registry import Registry
from services.intent.serving.waiting import Limits
from services.intent.settings import IntentSettings
from services.kit.app import MIB, build_app
from services.kit.cache import open_redis
from services.kit.database import UNREACHABLE, Database

MIGRATIONS = Path(__file__).parent / "migrations"
ROUTERS = (
    understand.router,
    inference.router,
    models.router,
    assist.router,
    hand_offs.router,
    assist_reports.router,
    knowledge.router,
    monitor.router,
    monitor_alerts.router,
    monitor_webhooks.router,
)
BODY_LIMIT = 2 * MIB
"""64 texts of 2,000 characters, each written as a 12-byte JSON escape."""
PROBE_S = 0.2
"""How long a probe waits for the database."""
GRACE_S = 0.05
"""The batcher ends what is late by itself, and says so; what it has in time may still go out."""
DEADLINES_MS = {"/v1/assist": 5_000, "/v1/models": 5_000, "/v1/monitor": 5_000}


def create_app(settings: IntentSettings | None = None, library: Library | None = None) -> FastAPI:
    """The application; settings come from the environment when not given, `library` from the settings."""
    chosen = settings or IntentSettings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _opened(chosen, library or Installed(chosen)) as resources:
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
        graces={understand.PATH: GRACE_S, "/v2": GRACE_S},
        error_member="/v2",
        straight=[understand.STRAIGHT],
    )


@asynccontextmanager
async def _opened(settings: IntentSettings, library: Library) -> AsyncIterator[Resources]:
    """Everything the service holds, closed in reverse."""
    db = Database.open(settings.database_url.get_secret_value(), pool_size=settings.database_pool_size)
    redis = open_redis(settings.shared.redis_url.get_secret_value())
    engine, tally = Engine(settings.cache_answers), Tally()
    try:
        async with (
            Registry(engine, library, RegistryMetrics(tally), _sizes(settings)) as registry,
            open_desk(settings, engine, db, redis) as desk,
        ):
            reconciler = Reconciler(db, registry, tally)
            sealer = Sealer(settings.sealing_keys.get_secret_value()) if settings.sealing_keys else None
            async with reconciler.at_work(), monitoring(settings, db, engine, sealer):
                turns = Turns(max(1, settings.database_pool_size // 3))
                yield Resources(settings, engine, library, registry, reconciler, db, redis, desk, sealer, turns)
    finally:
        await redis.aclose()
        await db.close()


def _sizes(settings: IntentSettings) -> Sizes:
    limits = Limits(
        token_budget=settings.token_budget,
        batch_texts=settings.batch_texts,
        queue_texts=settings.queue_texts,
        bulk_delay_s=settings.bulk_delay_ms / 1000,
    )
    return Sizes(limits, settings.encoders, settings.runners, settings.drain_s)


async def _ready(app: FastAPI) -> Sequence[str]:
    """Not ready without a model, or on a database of another build.

    A database that is unreachable is no reason: understanding needs none, and what does need it says so with a 503. Nor is one that
    does not answer while a probe waits.
    """
    resources: Resources = app.state.resources
    looking = asyncio.create_task(resources.db.ready(MIGRATIONS))
    await asyncio.wait([looking], timeout=PROBE_S)
    if not looking.done():
        looking.add_done_callback(_retrieve)
        looking.cancel()  # and not waited for: it takes seconds until a connection is given up
    stored = looking.result() if looking.done() else [UNREACHABLE]
    return [*resources.registry.not_ready(), *(reason for reason in stored if reason != UNREACHABLE)]


def _retrieve(looked: "asyncio.Task[list[str]]") -> None:
    """Nobody waits for it any more: how it ended would be told as an exception that was never retrieved."""
    if not looked.cancelled():
        looked.exception()
