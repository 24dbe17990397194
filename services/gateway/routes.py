"""The routes of the edge: one that composes, one that sums up, and a row of the table for each of the others."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from services.gateway.answer import Explained, answer_of
from services.gateway.disconnect import CLIENT_CLOSED_REQUEST, ClientGone, while_connected
from services.gateway.nesting import check_depth
from services.gateway.ownership import check_kind
from services.gateway.resources import Resources
from services.gateway.rows import Row
from services.gateway.schemas import LagReport, RecommendAnswer, RecommendRequest
from services.gateway.table import ROWS
from services.kit.app import deadline_of, finish_late
from services.kit.errors import invalid_request
from services.kit.identity import Caller, requires
from services.kit.telemetry import current_trace

COMPOSED = Row(
    method="POST",
    path="/v1/recommend",
    service="recommend",
    scope="recommend:read",
    summary="What is right for a person now: content, offers and a campaign, with who they are and what they want",
    body="json",
    question=RecommendRequest,
    answer=RecommendAnswer,
    for_people=True,
    people="user_id",
)
LAG = Row(
    method="GET",
    path="/v1/lag",
    service="profile",
    scope="export:read",
    summary="Facts on their way between the services",
    answer=LagReport,
)

GRACE_S = 1.0
"""Sections end by the deadline; on a busy machine the answer made of them may be out a little later, and still counts."""

Endpoint = Callable[..., Awaitable[Response]]


def edge_router() -> APIRouter:
    """All public routes; their documentation is made elsewhere, from the same rows."""
    router = APIRouter()
    router.add_api_route(COMPOSED.path, recommend, methods=["POST"], name=COMPOSED.name, include_in_schema=False)
    router.add_api_route(LAG.path, lag, methods=["GET"], name=LAG.name, include_in_schema=False)
    for row in ROWS:
        router.add_api_route(row.path, _forwarding(row), methods=[row.method], name=row.name, include_in_schema=False)
    return router


def _forwarding(row: Row) -> Endpoint:
    async def forward(request: Request, caller: Annotated[Caller, requires(row.scope)]) -> Response:
        return await _resources(request).forwarder.forward(row, request, caller)

    return forward


async def recommend(request: Request, caller: Annotated[Caller, requires(COMPOSED.scope)]) -> Response:
    """One answer from all back ends; which of them failed, and how, is in `sections`."""
    resources = _resources(request)
    finish_late(request, GRACE_S)
    question = _question(await request.body(), resources.settings.max_json_depth)
    caller.require_self(question.user_id)
    trace = current_trace()
    composing = resources.composer.compose(question, caller, trace, deadline_of(request))
    try:
        composed = await while_connected(request.receive, composing)
    except ClientGone:
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    explained = Explained.of(composed)
    explained.require(resources.settings.required_sections)
    answer = answer_of(composed, explained, question, trace.request_id)
    headers = {"X-Kuajie-Complete": "true" if explained.complete else "false", "Cache-Control": "no-store"}
    return Response(answer.model_dump_json(), headers=headers, media_type="application/json")


async def lag(request: Request, caller: Annotated[Caller, requires(LAG.scope)]) -> Response:
    """The lag of all consumers and relays; 503 when a back end that has some cannot say."""
    check_kind(caller, for_people=LAG.for_people)
    report = await _resources(request).lags.report(caller, current_trace(), deadline_of(request))
    return Response(report.model_dump_json(), media_type="application/json")


def _question(body: bytes, max_depth: int) -> RecommendRequest:
    check_depth(body, max_depth)
    try:
        return RecommendRequest.model_validate_json(body)
    except ValidationError as error:
        raise invalid_request(error.errors(include_url=False, include_input=False)) from None


def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources
