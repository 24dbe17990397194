"""What one text or many say."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from services.intent.asking import asked
from services.intent.faults import TOLD
from services.intent.resources import Held, Resources
from services.intent.schemas import UnderstandRequest, UnderstandResponse
from services.intent.serving.engine import Answered
from services.intent.serving.waiting import Priority
from services.kit.asgi import header, whole_body
from services.kit.errors import BadRequest
from services.kit.express import Declared, Straight
from services.kit.identity import Caller, requires

PATH = "/v1/understand"
SCOPE = "understand"
JSON = "application/json"

router = APIRouter()


async def _straight(request: Request, caller: Caller) -> Response | Declared:
    """From a body's bytes to the answer's: what the framework does in between takes more CPU than a refusal."""
    if (header(request.scope, b"content-type") or "").partition(";")[0] != JSON:
        return Declared()
    try:
        raw = await whole_body(request.receive)
    except ClientDisconnect as gone:
        raise BadRequest("The caller went away before the body had come.", param="body") from gone
    try:
        body = UnderstandRequest.model_validate_json(raw)
    except ValidationError:
        return Declared(raw)
    return await _understood(body, request, request.app.state.resources, caller)


STRAIGHT = Straight("POST", PATH, SCOPE, _straight)


@router.post(
    PATH, tags=["intent"], summary="What one text or many say", responses=TOLD, response_model=UnderstandResponse
)
async def understand(
    body: UnderstandRequest, request: Request, held: Held, caller: Annotated[Caller, requires(SCOPE)]
) -> Response:
    """Label, confidence, sentiment, topics and purchase propensity. A single text goes before bulk requests."""
    return await _understood(body, request, held, caller)


async def _understood(body: UnderstandRequest, request: Request, held: Resources, caller: Caller) -> Response:
    texts = body.all_texts()
    priority = Priority.INTERACTIVE if len(texts) == 1 else Priority.BULK
    answered = await asked(
        request,
        lambda expires: held.engine.understand(texts, tenant=caller.tenant_id, expires=expires, priority=priority),
    )
    return Response(written(answered), media_type=JSON)


def written(answered: Answered) -> bytes:
    """An `UnderstandResponse`, without the cost of making one."""
    results = [
        {
            "label": each.label,
            "confidence": each.confidence,
            "in_scope": each.in_scope,
            "sentiment": each.sentiment,
            "topics": each.topics,
            "purchase": each.purchase,
        }
        for each in answered.results
    ]
    return orjson.dumps({"results": results, "model": {"name": answered.model, "version": answered.version}})
