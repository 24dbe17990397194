"""A hot route's straight way: from a request to its answer without the framework's layers in between.

The route is declared as every other, with its scope, its schema and its errors. Its straight way does the same where nothing is
wrong and hands over to the declared route where anything is, so that there is one place that says what is wrong.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kit.errors import ServiceError, http_problem, problem_response


@dataclass(frozen=True, slots=True)
class Declared:
    """Not for the straight way: the declared route answers. `body` is what was read of the request, all of it or None."""

    body: bytes | None = None


Straight = Callable[[Request], Awaitable[Response | Declared]]
Ways = Mapping[tuple[str, str], Straight]
"""By method and path, without parameters."""


@dataclass(frozen=True, slots=True)
class _Route:
    """What metrics and logs call it."""

    path: str


class Express:
    """In front of `app`, the framework with all declared routes."""

    def __init__(self, app: ASGIApp, ways: Ways) -> None:
        self._app = app
        self._ways = {place: (way, _Route(place[1])) for place, way in ways.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._ways.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        way, scope["route"] = found
        try:
            answer = await way(Request(scope, receive))
        except ServiceError as error:
            answer = problem_response(error)
        except HTTPException as error:
            answer = http_problem(error)
        if isinstance(answer, Declared):
            await self._app(scope, receive if answer.body is None else _again(answer.body, receive), send)
        else:
            await answer(scope, receive, send)


def _again(body: bytes, receive: Receive) -> Receive:
    """A body that was read, to be read once more."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return messages.pop() if messages else await receive()

    return replayed
