"""A hot route's straight way: from a request to its answer without the framework's layers in between.

The route is declared as every other, with its scope, its schema and its errors. Its straight way has the same scope and does the same;
a body that does not fit it hands over to the declared route, so that there is one place that says what is wrong with one.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.kit.asgi import again
from services.kit.disconnect import CLIENT_CLOSED_REQUEST, ClientGone
from services.kit.errors import ServiceError, http_problem, problem_response
from services.kit.identity import Caller, ScopeCheck


@dataclass(frozen=True, slots=True)
class Declared:
    """Not for the straight way: the declared route answers. `body` is what was read of the request, all of it or None."""

    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Straight:
    """The straight way of `method` and `path`, which has no parameters, for callers with `scope`. Metrics call it by its path."""

    method: str
    path: str
    scope: str
    answer: Callable[[Request, Caller], Awaitable[Response | Declared]]


class Express:
    """In front of `app`, the framework with all declared routes."""

    def __init__(self, app: ASGIApp, ways: Sequence[Straight]) -> None:
        self._app = app
        self._ways = {(way.method, way.path): (way, ScopeCheck(way.scope)) for way in ways}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._ways.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        way, authorised = found
        scope["route"] = way
        request = Request(scope, receive)
        try:
            answer = await way.answer(request, await authorised(request))
        except ServiceError as error:
            answer = problem_response(error)
        except HTTPException as error:
            answer = http_problem(error)
        except ClientGone:
            answer = Response(status_code=CLIENT_CLOSED_REQUEST)
        if isinstance(answer, Declared):
            await self._app(scope, receive if answer.body is None else again(answer.body, receive), send)
        else:
            await answer(scope, receive, send)
