"""The gateway's application."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache

import orjson
from fastapi import FastAPI, Request, Response
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from services.gateway.credentials import Credentials
from services.gateway.draining import Draining
from services.gateway.openapi import document
from services.gateway.resources import opened
from services.gateway.routes import COMPOSED, GRACE_S, LAG, edge_routes
from services.gateway.rows import FORWARDED_MS, STREAMED_MS
from services.gateway.settings import GatewaySettings
from services.gateway.table import ROWS
from services.kit.app import Service, build_app

TITLE = "Kuajie"
DOCUMENT = "/openapi.json"
WEB_HEADERS = ["Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "traceparent"]
WEB_HEADERS += ["X-Request-Deadline-Ms", "X-Request-Id"]


def create_app(settings: GatewaySettings | None = None) -> FastAPI:
    """The edge as an application; settings come from the environment unless they are given."""
    settings = settings or GatewaySettings()
    credentials, draining = Credentials.of(settings), Draining()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opened(settings, credentials) as resources:
            app.state.resources = resources
            with draining.on_sigterm(settings.drain_s):
                yield

    async def ready(_: FastAPI) -> Sequence[str]:
        return [*draining.reasons(), *credentials.missing()]

    app = build_app(
        "gateway",
        title=TITLE,
        shared=settings.shared,
        lifespan=lifespan,
        routers=[],
        ready=ready,
        authenticate=credentials,
        max_body_bytes=settings.max_body_bytes,
        body_limits={row.path: settings.max_import_bytes for row in ROWS if row.body == "ndjson"},
        deadlines={
            "/v1/": FORWARDED_MS,
            "/v2": FORWARDED_MS,
            DOCUMENT: FORWARDED_MS,
            COMPOSED.path: settings.shared.default_deadline_ms,
            **{row.path: STREAMED_MS for row in ROWS if row.streamed},
        },
        graces={COMPOSED.path: GRACE_S},
        error_member="/v2",
    )
    # In front of FastAPI's own, which would make its document on the event loop.
    app.router.routes[:0] = [Route(DOCUMENT, _read_document), *edge_routes()]
    _allow_web_pages(app, settings)
    return app


_ONE_AT_A_TIME = threading.Lock()


@cache
def _made() -> bytes:
    return orjson.dumps(document(TITLE, [COMPOSED, *ROWS, LAG]))


def documented() -> bytes:
    """The OpenAPI document, made once, when somebody reads it first: it takes a good part of a second, which the start need not."""
    with _ONE_AT_A_TIME:
        return _made()


async def _read_document(_: Request) -> Response:
    return Response(await asyncio.to_thread(documented), media_type="application/json")


def _allow_web_pages(app: Service, settings: GatewaySettings) -> None:
    """CORS for the configured origins, on whatever is answered; credentials travel in a header, never in a cookie."""
    if not settings.cors_origins:
        return
    app.outermost = CORSMiddleware(
        app.outermost,
        allow_origins=sorted(settings.cors_origins),
        allow_methods=["GET", "POST", "PUT", "DELETE"],
        allow_headers=WEB_HEADERS,
        expose_headers=["ETag", "Retry-After", "X-Kuajie-Complete", "X-Request-Id"],
        max_age=600,
    )
