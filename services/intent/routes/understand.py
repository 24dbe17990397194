"""What one text or many say."""

from typing import Annotated

from fastapi import APIRouter, Request

from services.intent.faults import TOLD, told
from services.intent.resources import Held
from services.intent.schemas import ModelName, UnderstandingResult, UnderstandRequest, UnderstandResponse
from services.intent.serving.engine import Answered
from services.intent.serving.waiting import Priority
from services.kit.app import deadline_of
from services.kit.identity import Caller, requires

router = APIRouter()


@router.post(
    "/v1/understand",
    tags=["intent"],
    summary="What one text or many say",
    responses=TOLD,
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
    with told():
        answered = await held.engine.understand(
            texts, tenant=caller.tenant_id, expires=deadline_of(request).at, priority=priority
        )
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
