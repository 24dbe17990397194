"""What one text or many say."""

from typing import Annotated

from fastapi import APIRouter, Request

from services.intent.resources import Held
from services.intent.schemas import ModelName, UnderstandingResult, UnderstandRequest, UnderstandResponse
from services.intent.serving.batcher import DeadlinePassed, Draining, QueueFull
from services.intent.serving.engine import Answered, NoModel
from services.intent.serving.waiting import Priority
from services.kit.app import deadline_of
from services.kit.errors import DeadlineExceeded, Problem, TooManyRequests, Unavailable
from services.kit.identity import Caller, requires

router = APIRouter()


class Overloaded(TooManyRequests):
    code = "queue_full"


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
    held: Held,
    caller: Annotated[Caller, requires("understand")],
) -> UnderstandResponse:
    """Label, confidence, sentiment, topics and purchase propensity. A single text goes before bulk requests."""
    texts = body.all_texts()
    priority = Priority.INTERACTIVE if len(texts) == 1 else Priority.BULK
    try:
        answered = await held.engine.understand(
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
