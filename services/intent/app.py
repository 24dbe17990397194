"""The intent service: `POST /v1/understand`."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request

from services.intent.batcher import DeadlinePassed, Draining, QueueFull
from services.intent.engine import Answered, Engine, EngineConfig, NoModel
from services.intent.loading import load
from services.intent.metrics import EngineMetrics
from services.intent.schemas import ModelName, UnderstandingResult, UnderstandRequest, UnderstandResponse
from services.intent.settings import IntentSettings
from services.intent.waiting import Limits, Priority
from services.kit.app import MIB, build_app, deadline_of
from services.kit.errors import DeadlineExceeded, Problem, TooManyRequests, Unavailable
from services.kit.identity import Caller, requires

BODY_LIMIT = 2 * MIB
"""64 texts of 2,000 characters, each written as a 12-byte JSON escape."""

router = APIRouter()


class Overloaded(TooManyRequests):
    code = "queue_full"


@dataclass(frozen=True, slots=True)
class Resources:
    """What lives as long as the process."""

    engine: Engine


# A coroutine, since FastAPI sends plain functions to a thread, half a millisecond a request.
async def _engine(request: Request) -> Engine:
    resources: Resources = request.app.state.resources
    return resources.engine


EngineOf = Annotated[Engine, Depends(_engine)]


@router.post(
    "/v1/understand",
    tags=["intent"],
    summary="What one text or many say",
    responses={
        429: {"model": Problem, "description": "The queue is full: `queue_full`, with Retry-After"},
        503: {"model": Problem, "description": "No model is loaded yet, or the process is about to end"},
        504: {"model": Problem, "description": "The deadline passed first: `deadline_exceeded`"},
    },
)
async def understand(
    body: UnderstandRequest,
    request: Request,
    engine: EngineOf,
    caller: Annotated[Caller, requires("understand")],
) -> UnderstandResponse:
    """Label, confidence, sentiment, topics and purchase propensity. A single text goes before bulk requests."""
    texts = body.all_texts()
    priority = Priority.INTERACTIVE if len(texts) == 1 else Priority.BULK
    try:
        answered = await engine.understand(
            texts, tenant=caller.tenant_id, expires=deadline_of(request).at, priority=priority
        )
    except QueueFull as full:
        raise Overloaded("Too many texts are waiting.", retry_after_s=full.retry_after_s) from full
    except DeadlinePassed as late:
        raise DeadlineExceeded("The deadline passed before the texts were understood.") from late
    except (NoModel, Draining) as ending:
        raise Unavailable("The model is being loaded, or this process is about to end.") from ending
    return _response(answered)


def _response(answered: Answered) -> UnderstandResponse:
    results = [
        UnderstandingResult(
            label=each.label,
            confidence=each.confidence,
            in_scope=each.in_scope,
            sentiment=each.sentiment,
            topics=list(each.topics),
            purchase=each.purchase,
        )
        for each in answered.results
    ]
    return UnderstandResponse(results=results, model=ModelName(name=answered.model, version=answered.version))


def _config(settings: IntentSettings) -> EngineConfig:
    limits = Limits(
        token_budget=settings.token_budget,
        batch_texts=settings.batch_texts,
        queue_texts=settings.queue_texts,
        bulk_delay_s=settings.bulk_delay_ms / 1000,
    )
    return EngineConfig(limits, settings.encoders, settings.runners, settings.drain_s, settings.cache_answers)


async def _ready(app: FastAPI) -> Sequence[str]:
    resources: Resources = app.state.resources
    return resources.engine.not_ready()


def create_app(settings: IntentSettings | None = None) -> FastAPI:
    """The application; settings come from the environment when not given."""
    settings = settings or IntentSettings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with Engine(lambda: load(settings), EngineMetrics, _config(settings)) as engine:
            app.state.resources = Resources(engine)
            yield

    return build_app(
        "intent",
        title="Kuajie intent",
        shared=settings.shared,
        lifespan=lifespan,
        routers=[router],
        ready=_ready,
        max_body_bytes=BODY_LIMIT,
    )
