"""The recommend service: catalogue, content, campaigns."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy.exc import ProgrammingError

from services.kit.app import MIB, build_app
from services.kit.artifacts import ArtifactSlot
from services.kit.cache import open_redis
from services.kit.database import Database
from services.kit.errors import Unavailable
from services.kit.stream import Consumer, Relay
from services.kit.stream.consumer import Handle
from services.kit.tasks import Work, background
from services.kit.telemetry import get_logger
from services.recommend import interactions, verdicts
from services.recommend.campaign_book import CampaignBook
from services.recommend.catalogues import Catalogues
from services.recommend.content import Content
from services.recommend.model import KIND, RecommendModel
from services.recommend.resources import MIGRATIONS, Resources
from services.recommend.routes import campaigns, content, exports, items, operation
from services.recommend.settings import RecommendSettings
from services.recommend.tables import stream_tables

log = get_logger(__name__)

ROUTERS = (content.router, campaigns.router, exports.router, items.router, operation.router)
BODY_LIMITS = {"/v1/items": 8 * MIB, "/v1/items/import": 64 * MIB}
LONG_MS = 600_000
DEADLINES = {
    "/v1/items": 5_000,
    "/v1/items/import": LONG_MS,
    "/v1/items/export": LONG_MS,
    "/v1/interactions/export": LONG_MS,
    "/v1/lag": 5_000,
}


def create_app(settings: RecommendSettings | None = None) -> FastAPI:
    """The application; settings come from the environment where none are given."""
    read = settings or RecommendSettings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _opened(read) as resources:
            app.state.resources = resources
            await _fill(resources)
            async with background(*_work(resources, read)):
                yield

    async def ready(app: FastAPI) -> Sequence[str]:
        return await _not_ready(app.state.resources, serves="api" in read.roles)

    return build_app(
        "recommend",
        title="Kuajie recommend",
        shared=read.shared,
        lifespan=lifespan,
        routers=ROUTERS,
        ready=ready,
        body_limits=BODY_LIMITS,
        deadlines=DEADLINES,
    )


@asynccontextmanager
async def _opened(settings: RecommendSettings) -> AsyncIterator[Resources]:
    db = Database.open(settings.database_url.get_secret_value(), pool_size=settings.database_pool_size)
    redis = open_redis(settings.shared.redis_url.get_secret_value())
    try:
        yield _resources(settings, db, redis)
    finally:
        await redis.aclose()
        await db.close()


def _resources(settings: RecommendSettings, db: Database, redis: Redis) -> Resources:
    models = ArtifactSlot(settings.shared.artifacts_dir, KIND, RecommendModel.load)
    catalogues = Catalogues(db, every_s=settings.catalogue_refresh_s, heat_every_s=settings.popularity_refresh_s)

    def consumer(source: str, handle: Handle) -> Consumer:
        return Consumer(db, stream_tables, redis, source=source, name="recommend", handle=handle)

    return Resources(
        db=db,
        models=models,
        catalogues=catalogues,
        campaigns=CampaignBook(db, every_s=settings.catalogue_refresh_s),
        content=Content(db, catalogues, models, settings.history_length, settings.new_item_share),
        relay=Relay(db, stream_tables, redis, source="recommend"),
        consumers={
            "profile": consumer("profile", interactions.consume),
            "insurance": consumer("insurance", verdicts.consume),
        },
    )


async def _fill(resources: Resources) -> None:
    """Have the memory filled before the first request. Without a database the service starts, and is not ready."""
    await resources.models.refresh()
    try:
        await resources.catalogues.refresh()
        await resources.campaigns.refresh()
    except (Unavailable, ProgrammingError) as error:
        log.warning("memory_not_filled", reason=type(error).__name__)


def _work(resources: Resources, settings: RecommendSettings) -> list[Work]:
    work: list[Work] = []
    if "api" in settings.roles:
        work += [resources.models.run, resources.catalogues.run, resources.campaigns.run]
    if "worker" in settings.roles:
        work += [resources.relay.run, *(consumer.run for consumer in resources.consumers.values())]
    return work


async def _not_ready(resources: Resources, *, serves: bool) -> list[str]:
    """Only who serves needs the catalogue in memory: a worker never fills it again after its start."""
    reasons = await resources.db.ready(MIGRATIONS)
    if serves and not resources.catalogues.filled:
        reasons.append("catalogue not loaded")
    return reasons
