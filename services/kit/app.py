"""How every service starts: one application factory, probes that can fail, one pure ASGI middleware."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from fastapi import APIRouter, FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kit.asgi import header
from services.kit.errors import (
    PROBLEM_JSON,
    BadRequest,
    Problem,
    install_error_handlers,
    problem_document,
    say_error,
    unexpected_problem,
)
from services.kit.express import Express, Straight
from services.kit.identity import Authenticate, Keyring, internal_token
from services.kit.resilience import DEADLINE_HEADER, Deadline
from services.kit.settings import SharedSettings
from services.kit.telemetry import (
    DURATION,
    IN_FLIGHT,
    REQUESTS,
    begin_trace,
    configure_logging,
    current_request_id,
    get_logger,
)

log = get_logger(__name__)

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
Readiness = Callable[[FastAPI], Awaitable[Sequence[str]]]
N = TypeVar("N", int, float)

MIB = 1024 * 1024
PROBES_MS = {"/livez": 2_000, "/readyz": 2_000, "/metrics": 10_000}
"""What Kubernetes and Prometheus wait: an ordinary call's deadline would end them where they matter, on a busy machine."""
MOST_BUDGET_MS = 3_600_000
_DEADLINE = DEADLINE_HEADER.lower().encode()
_LATE = "The request's deadline passed before the answer was ready."
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": description, "content": {PROBLEM_JSON: {}}}
    for status, description in ((401, "No valid credential"), (403, "Scope or owner"), (422, "A field at fault"))
}


def build_app(
    name: str,
    *,
    title: str,
    shared: SharedSettings,
    lifespan: Lifespan,
    routers: Sequence[APIRouter],
    ready: Readiness,
    authenticate: Authenticate | None = None,
    max_body_bytes: int = MIB,
    body_limits: Mapping[str, int] | None = None,
    deadlines: Mapping[str, int] | None = None,
    graces: Mapping[str, float] | None = None,
    error_member: str | None = None,
    straight: Sequence[Straight] = (),
) -> "Service":
    """A service's application.

    `ready` gives the reasons why this process should get no traffic (its own state, never a neighbour's).
    `body_limits` (bytes) and `deadlines` (milliseconds) override the defaults by path prefix, longest first. `graces` (seconds, by
    path prefix) is for routes that end their work by the deadline themselves: so much longer may an answer take that is almost
    out, which a busy event loop would turn into a 504. Problems under the path prefix `error_member` also have the member `error`.
    `straight` has the second way of hot routes.
    """
    configure_logging(shared.log_level)
    app = Service(title=title, version="1", lifespan=lifespan, responses=_PROBLEMS, docs_url=None, redoc_url=None)
    app.state.straight = straight  # for the test that compares their scopes with the declared ones
    app.state.authenticate = authenticate or internal_token(Keyring(shared.internal_keys.get_secret_value()))
    app.outermost = RequestScope(
        Express(app.framework, straight),
        service=name,
        limits=_by_prefix(body_limits, max_body_bytes),
        deadlines=_by_prefix({**PROBES_MS, **(deadlines or {})}, shared.default_deadline_ms),
        graces=_by_prefix(graces, 0.0),
        access_log=shared.access_log,
        error_member=error_member,
    )
    install_error_handlers(app)
    for router in routers:
        app.include_router(router)
    _add_probes(app, ready)
    return app


class Service(FastAPI):
    """FastAPI with a layer of ours around all of its own."""

    outermost: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self
        await self.outermost(scope, receive, send)

    async def framework(self, scope: Scope, receive: Receive, send: Send) -> None:
        await super().__call__(scope, receive, send)


def deadline_of(request: Request) -> Deadline:
    """The moment by which this request must be answered."""
    deadline: Deadline = request.scope["kuajie.deadline"]
    return deadline


def _by_prefix(overrides: Mapping[str, N] | None, default: N) -> Callable[[str], N]:
    rows = sorted((overrides or {}).items(), key=lambda row: -len(row[0]))

    def value_of(path: str) -> N:
        for prefix, value in rows:
            if path.startswith(prefix):
                return value
        return default

    return value_of


def _add_probes(app: FastAPI, ready: Readiness) -> None:
    async def livez() -> Response:
        return Response("ok", media_type="text/plain")

    async def readyz() -> Response:
        reasons = await ready(app)
        if not reasons:
            return Response("ready", media_type="text/plain")
        body = problem_document(503, "not_ready", "; ".join(reasons), reasons=list(reasons))
        return Response(body, 503, media_type=PROBLEM_JSON)

    async def metrics() -> Response:
        return Response(await asyncio.to_thread(generate_latest), media_type=CONTENT_TYPE_LATEST)

    for path, endpoint in (("/livez", livez), ("/readyz", readyz), ("/metrics", metrics)):
        app.add_api_route(path, endpoint, methods=["GET"], include_in_schema=False)


class RequestScope:
    """Request id, trace context, deadline, body limit, RED metrics and the last resort for errors, in one ASGI layer."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        service: str,
        limits: Callable[[str], int],
        deadlines: Callable[[str], int],
        graces: Callable[[str], float],
        access_log: bool,
        error_member: str | None,
    ) -> None:
        self._app = app
        self._service = service
        self._limits = limits
        self._deadlines = deadlines
        self._graces = graces
        self._access_log = access_log
        self._error_member = error_member
        self._in_flight = 0
        IN_FLIGHT.labels(service).set_function(lambda: self._in_flight)
        self._measures: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        trace = begin_trace(header(scope, b"x-request-id"), header(scope, b"traceparent"))
        say_error(self._error_member is not None and scope["path"].startswith(self._error_member))
        answer = _Answer(send, trace.request_id)
        self._in_flight += 1
        try:
            await self._serve(scope, receive, answer)
        finally:
            self._in_flight -= 1
            self._observe(scope, answer.status, time.perf_counter() - started)

    async def _serve(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        path: str = scope["path"]
        try:
            deadline = Deadline.after_ms(_budget_ms(header(scope, _DEADLINE)) or self._deadlines(path))
        except BadRequest as refused:
            said = problem_document(refused.status_code, refused.code, refused.detail, param=refused.param)
            await answer.problem(refused.status_code, said)
            return
        scope["kuajie.deadline"] = deadline
        limited = _limited(receive, header(scope, b"content-length") or "", self._limits(path))
        try:
            async with asyncio.timeout(deadline.remaining() + self._graces(path)) as timeout:
                await self._app(scope, limited, answer)
        except TimeoutError:
            if not timeout.expired():
                await self._fail(answer)
                return
            await answer.problem(504, problem_document(504, "deadline_exceeded", _LATE))
        except Exception:  # noqa: BLE001  the last resort: said in the log, answered as a 500, never as something plausible
            await self._fail(answer)

    async def _fail(self, answer: "_Answer") -> None:
        log.exception("request_failed", service=self._service, request_id=answer.request_id)
        await answer.problem(500, unexpected_problem())

    def _observe(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", None) or "unmatched"
        method = scope["method"]
        if (measures := self._measures.get((method, route, status))) is None:
            counted = REQUESTS.labels(self._service, method, route, str(status))
            self._measures[method, route, status] = measures = counted, DURATION.labels(self._service, method, route)
        measures[0].inc()
        measures[1].observe(seconds)
        if self._access_log:
            log.info(
                "request",
                service=self._service,
                request_id=current_request_id(),
                method=method,
                route=route,
                status=status,
                seconds=round(seconds, 6),
            )


class _Answer:
    """The send side of one request: adds the request id, remembers the status, can still answer a problem."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self.request_id = request_id
        self.status = 499  # The caller left before an answer began.
        self._begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begun = True
            self.status = message["status"]
            message.setdefault("headers", []).append((b"x-request-id", self.request_id.encode()))
        await self._send(message)

    async def problem(self, status: int, body: bytes) -> None:
        if self._begun:
            return  # An answer is out, or half of one: the broken body is all that the caller can be told.
        headers = [(b"content-type", PROBLEM_JSON.encode()), (b"content-length", str(len(body)).encode())]
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self({"type": "http.response.body", "body": body})


def _budget_ms(header: str | None) -> int | None:
    """The caller's budget, None where it brings none. Raises `BadRequest` for what is no budget: who waits 30 s should not find
    out by a 504 after 400 ms that it was not understood.
    """
    if header is None:
        return None
    if header.isascii() and header.isdigit() and len(header) <= 16 and 0 < int(header) <= MOST_BUDGET_MS:
        return int(header)
    raise BadRequest(
        f"The deadline is a whole number of milliseconds from 1 to {MOST_BUDGET_MS:,}.", param=DEADLINE_HEADER
    )


def _limited(receive: Receive, declared: str, limit: int) -> Receive:
    """`receive` that raises 413 once the body is over `limit` bytes, declared or counted."""
    received = 0

    async def limited() -> Message:
        nonlocal received
        if declared.isdigit() and int(declared) > limit:
            raise _too_large(limit)
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise _too_large(limit)
        return message

    return limited


def _too_large(limit: int) -> HTTPException:
    # An HTTPException, since FastAPI turns any other error while reading a body into a 400.
    return HTTPException(413, f"The body is larger than {limit} bytes.")
