"""What the service holds while it runs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from redis.asyncio import Redis

from services.kit.artifacts import ArtifactSlot
from services.kit.database import Database
from services.kit.stream import Consumer, Relay
from services.profile.segments import Scorer
from services.profile.settings import ProfileSettings


@dataclass(frozen=True, slots=True)
class Resources:
    """Opened and closed by the lifespan."""

    settings: ProfileSettings
    db: Database
    redis: Redis
    segments: ArtifactSlot[Scorer]
    relay: Relay
    catalogue: Consumer
    clock: Callable[[], datetime]


# A coroutine, since FastAPI sends plain functions to a thread, half a millisecond a request.
async def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


Opened = Annotated[Resources, Depends(_resources)]
