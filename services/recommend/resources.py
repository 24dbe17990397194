"""What the routes of recommend work with: opened by the lifespan, closed by it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, cast

from fastapi import Depends, Request

from services.kit.database import Database
from services.kit.stream import Consumer, Relay
from services.recommend.campaign_book import CampaignBook
from services.recommend.catalogues import Catalogues
from services.recommend.content import Content, Models

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class Resources:
    """One process's."""

    db: Database
    models: Models
    catalogues: Catalogues
    campaigns: CampaignBook
    content: Content
    relay: Relay
    consumers: dict[str, Consumer]
    """By the service whose facts they take in."""


# A coroutine, since FastAPI sends plain functions to a thread, half a millisecond a request.
async def _resources(request: Request) -> Resources:
    return cast("Resources", request.app.state.resources)


Held = Annotated[Resources, Depends(_resources)]
