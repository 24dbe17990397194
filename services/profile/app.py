"""The profile service: `create_app`, and what the process holds while it runs."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from fastapi import FastAPI

from services.kit.app import build_app
from services.kit.artifacts import ArtifactSlot, Manifest
from services.kit.cache import open_redis
from services.kit.database import Database
from services.kit.stream import Consumer, Relay
from services.kit.tasks import Work, background
from services.profile.catalogue import copy_items
from services.profile.moments import utc_now
from services.profile.resources import Resources
from services.profile.routes import consents, dead_letters, events, exports, people
from services.profile.segments import Scorer, SegmentsModel
from services.profile.settings import ProfileSettings
from services.profile.tables import stream_tables

MIGRATIONS = Path(__file__).parent / "migrations"
MIB = 1024 * 1024

BODY_LIMITS = {"/v1/batch": 8 * MIB, "/v1/events/import": 64 * MIB}
DEADLINES_MS = {
    "/v1/batch": 10_000,
    "/v1/consents": 10_000,
    "/v1/dead-letters": 30_000,
    "/v1/events": 600_000,
    "/v1/features": 600_000,
    "/v1/lag": 5_000,
}


def create_app(settings: ProfileSettings | None = None, *, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """The application; settings come from the environment unless given. `clock` is for tests."""
    chosen = settings or ProfileSettings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_resources(chosen, clock) as resources:
            app.state.resources = resources
            yield

    return build_app(
        "profile",
        title="Kuajie profile",
        shared=chosen.shared,
        lifespan=lifespan,
        routers=[events.router, people.router, consents.router, dead_letters.router, exports.router],
        ready=_ready,
        body_limits=BODY_LIMITS,
        deadlines={**DEADLINES_MS, "/v1/consents/check": chosen.shared.default_deadline_ms},
    )


@asynccontextmanager
async def open_resources(settings: ProfileSettings, clock: Callable[[], datetime]) -> AsyncIterator[Resources]:
    """Everything the service holds, closed in reverse; background work only in the role `worker`."""
    db = Database.open(settings.database_url.get_secret_value(), pool_size=settings.database_pool_size)
    redis = open_redis(settings.shared.redis_url.get_secret_value())
    slot = ArtifactSlot(settings.shared.artifacts_dir, "segments", load_segments)
    relay = Relay(db, stream_tables, redis, source="profile")
    catalogue = Consumer(db, stream_tables, redis, source="recommend", name="profile", handle=copy_items)
    work: list[Work] = [slot.run]
    if "worker" in settings.roles:
        work += [relay.run, catalogue.run]
    try:
        async with background(*work):
            yield Resources(settings, db, redis, slot, relay, catalogue, clock)
    finally:
        await redis.aclose()
        await db.close()


def load_segments(_: Manifest, folder: Path) -> Scorer:
    """The scorer of an artifact's folder; ValueError when it does not fit together."""
    return Scorer(SegmentsModel.model_validate_json((folder / "model.json").read_bytes()))


async def _ready(app: FastAPI) -> Sequence[str]:
    resources: Resources = app.state.resources
    return await resources.db.ready(MIGRATIONS)
