"""What a running process of this service holds, opened and closed by its lifespan."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from redis.asyncio import Redis

from services.intent.assist.desk import Desk
from services.intent.monitor.sealing import Sealer
from services.intent.monitor.turns import Turns
from services.intent.serving.engine import Engine
from services.intent.serving.library import Library
from services.intent.serving.reconciler import Reconciler
from services.intent.serving.registry import Registry
from services.intent.settings import IntentSettings
from services.kit.database import Database


@dataclass(frozen=True, slots=True)
class Resources:
    """Understanding needs the engine alone; `db` and `redis` may be unreachable, and only what needs them fails then."""

    settings: IntentSettings
    engine: Engine
    library: Library
    registry: Registry
    reconciler: Reconciler
    db: Database
    redis: Redis
    desk: Desk
    sealer: Sealer | None
    turns: Turns


# A coroutine, since FastAPI sends plain functions to a thread, half a millisecond a request.
async def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


Held = Annotated[Resources, Depends(_resources)]
