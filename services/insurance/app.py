"""The insurance service: products, ratings, suitability, offers."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from fastapi import FastAPI

from services.insurance.catalogue import Catalogue
from services.insurance.definition_files import shipped
from services.insurance.questionnaire import current_rules
from services.insurance.resources import Resources
from services.insurance.routes import offers, products, suitability, versions
from services.insurance.settings import InsuranceSettings
from services.insurance.tables import stream_tables
from services.kit.app import build_app
from services.kit.cache import open_redis
from services.kit.database import Database
from services.kit.stream import Relay
from services.kit.tasks import Work, background

MIGRATIONS = Path(__file__).parent / "migrations"
ROUTERS = (offers.router, products.router, versions.router, suitability.router)
DEADLINES_MS = {"/v1/products": 5_000, "/v1/suitability": 5_000, "/v1/people": 5_000}


def utc_now() -> datetime:
    """The clock of the service; tests hand in another."""
    return datetime.now(UTC)


def create_app(settings: InsuranceSettings | None = None, *, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """The application; settings come from the environment unless given."""
    chosen = settings or InsuranceSettings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _opened(chosen, clock) as resources:
            app.state.resources = resources
            yield

    return build_app(
        "insurance",
        title="Kuajie insurance",
        shared=chosen.shared,
        lifespan=lifespan,
        routers=ROUTERS,
        ready=_ready,
        deadlines=DEADLINES_MS,
    )


@asynccontextmanager
async def _opened(settings: InsuranceSettings, clock: Callable[[], datetime]) -> AsyncIterator[Resources]:
    """Everything the service holds, closed in reverse. A shipped definition that does not hold stops the start."""
    rules = current_rules()
    db = Database.open(settings.database_url.get_secret_value(), pool_size=settings.database_pool_size)
    redis = open_redis(settings.shared.redis_url.get_secret_value())
    catalogue = Catalogue(db, shipped())
    work: list[Work] = [partial(catalogue.run, settings.catalogue_refresh_s)]
    if "worker" in settings.roles:
        work.append(Relay(db, stream_tables, redis, source="insurance").run)
    try:
        async with background(*work):
            yield Resources(settings, db, catalogue, rules, rules.rule_set(), clock)
    finally:
        await redis.aclose()
        await db.close()


async def _ready(app: FastAPI) -> Sequence[str]:
    """Not ready without the database of this build, or when a shipped product changed without a new version."""
    resources: Resources = app.state.resources
    return [*await resources.db.ready(MIGRATIONS), *resources.catalogue.faults()]
