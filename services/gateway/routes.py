"""The routes of the edge: one that composes, one that sums up, and a row of the table for each of the others."""

import re
from codecs import BOM_UTF8
from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from pydantic import ValidationError
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from services.gateway.answer import Explained, answer_of
from services.gateway.nesting import check_depth
from services.gateway.ownership import check_kind
from services.gateway.resources import Resources
from services.gateway.rows import Row
from services.gateway.schemas import LagReport, RecommendAnswer, RecommendRequest
from services.gateway.table import ROWS
from services.kit.app import deadline_of
from services.kit.disconnect import CLIENT_CLOSED_REQUEST, ClientGone, while_connected
from services.kit.errors import invalid_request
from services.kit.identity import Caller, ScopeCheck
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

Handler = Callable[[Row, Request, Caller], Awaitable[Response]]


class Endpoint:
    """A row as an ASGI application: it knows its caller and its scope before anything else is read.

    FastAPI's own routes would parse nothing here and still cost a tenth of the composed call.
    """

    def __init__(self, row: Row, handler: Handler) -> None:
        self.row = row
        self.check = ScopeCheck(row.scope)
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = self.row  # metrics name the route by its path
        request = Request(scope, receive, send)
        caller = await self.check(request)
        check_kind(caller, for_people=self.row.for_people)
        response = await self._handler(self.row, request, caller)
        await response(scope, receive, send)


_OF_THE_PLATFORM = re.compile(r"{(user_id|item_id|document_id)}")


def edge_routes() -> list[BaseRoute]:
    """All public routes; their documentation is made elsewhere, from the same rows."""
    endpoints = [Endpoint(COMPOSED, recommend), Endpoint(LAG, lag), *(Endpoint(row, forward) for row in ROWS)]
    return [Route(_pattern(each.row), each, methods=[each.row.method], name=each.row.name) for each in endpoints]


def _pattern(row: Row) -> str:
    """The path as it is matched: ids of people, items and documents are the platform's own, often addresses, and may hold slashes."""
    return _OF_THE_PLATFORM.sub(r"{\1:path}", row.path)


async def forward(row: Row, request: Request, caller: Caller) -> Response:
    """What the back end of a row answers."""
    return await _resources(request).forwarder.forward(row, request, caller)


async def recommend(_: Row, request: Request, caller: Caller) -> Response:
    """One answer from all back ends; which of them failed, and how, is in `sections`."""
    resources = _resources(request)
    question = _question(await request.body(), resources.settings.max_json_depth)
    caller.require_self(question.user_id)
    trace = current_trace()
    composing = resources.composer.compose(question, caller, trace, deadline_of(request))
    try:
        composed = await while_connected(request.scope, request.receive, composing)
    except ClientGone:
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    explained = Explained.of(composed)
    explained.require(resources.settings.required_sections)
    answer = answer_of(composed, explained, question, trace.request_id)
    headers = {"X-Kuajie-Complete": "true" if explained.complete else "false", "Cache-Control": "no-store"}
    return Response(answer.model_dump_json(), headers=headers, media_type="application/json")


async def lag(_: Row, request: Request, caller: Caller) -> Response:
    """The lag of all consumers and relays; 503 when a back end that has some cannot say."""
    report = await _resources(request).lags.report(caller, current_trace(), deadline_of(request))
    return Response(report.model_dump_json(), media_type="application/json")


def _question(body: bytes, max_depth: int) -> RecommendRequest:
    check_depth(body, max_depth)
    try:
        return RecommendRequest.model_validate_json(body.removeprefix(BOM_UTF8))
    except ValidationError as error:
        raise invalid_request(error.errors(include_url=False, include_input=False), body) from None


def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources
