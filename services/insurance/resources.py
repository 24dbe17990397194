"""What a running process of this service holds, opened and closed by its lifespan."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from services.insurance.catalogue import Catalogue
from services.insurance.questionnaire import SuitabilityRules
from services.insurance.settings import InsuranceSettings
from services.insurance.suitability import RuleSet
from services.kit.database import Database


@dataclass(frozen=True, slots=True)
class Resources:
    """`now` is the clock; `rules` the questionnaire with its `rule_set`."""

    settings: InsuranceSettings
    db: Database
    catalogue: Catalogue
    rules: SuitabilityRules
    rule_set: RuleSet
    now: Callable[[], datetime]


# A coroutine, since FastAPI sends plain functions to a thread, half a millisecond a request.
async def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


Held = Annotated[Resources, Depends(_resources)]
