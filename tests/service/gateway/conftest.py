"""The gateway over stub back ends that really listen: each route of a stub answers what the test says."""

import asyncio
import hashlib
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import pytest
import uvicorn
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ed25519
from fastapi import FastAPI
from jwt.algorithms import OKPAlgorithm

from services.gateway.app import create_app
from services.gateway.settings import GatewaySettings
from services.kit.identity import Keyring
from services.kit.settings import SharedSettings

KEYS = "test:0123456789abcdef0123456789abcdef"
API_KEY = "kj_test"
SCOPES = [
    "events:write", "events:export", "profile:read", "profile:write", "consents:write", "consents:read", "items:write",
    "items:read", "recommend:read", "recommend:export", "campaigns:write", "campaigns:read", "understand", "offers:read",
    "products:read", "products:write", "suitability:write", "suitability:read", "export:read",
    "monitor:read", "knowledge:read",
]  # fmt: skip
SERVICES = ("profile", "recommend", "intent", "insurance")
SIGNING_KEY = ed25519.Ed25519PrivateKey.generate()

SNAPSHOT = {
    "user_id": "u1",
    "known": True,
    "segment": "active",
    "traits": {"likes_finance": True},
    "interests": {"finance": 0.4},
    "facts": {"birth_date": "1992-05-17"},
    "consents": {"personalisation": True, "finance": True, "marketing": True},
    "consent_version": 3,
    "features": {},
}
UNDERSTOOD = {
    "results": [
        {
            "label": "insurance.buy",
            "confidence": 0.9,
            "in_scope": True,
            "sentiment": "neutral",
            "topics": ["critical-illness"],
            "purchase": 0.9,
        }
    ],
    "model": {"name": "stub", "version": "1"},
}
ITEM = {"item_id": "c1", "title": "t", "categories": ["finance"], "score": 0.5, "source": "ease", "reasons": ["why"]}
OFFER = {
    "reason_codes": ["need"],
    "reasons": ["fits"],
    "product_id": "ci-a",
    "version": 1,
    "title": "重疾险",
    "kind": "insurance",
    "summary": "s",
    "suitability": {"reason_codes": [], "reasons": [], "verdict": "suitable"},
    "indicative_premium": {"amount": "128.00", "currency": "CNY"},
    "premium_period": "year",
    "illustrative": True,
}
ANSWERS: dict[str, dict[str, Any]] = {
    "/v1/people/u1/snapshot": SNAPSHOT,
    "/v1/understand": UNDERSTOOD,
    "/v1/content": {"items": [ITEM], "notices": [], "model_version": "1", "personalised": True},
    "/v1/popular": {"data": [ITEM | {"item_id": "p1", "source": "popular"}], "model_version": None},
    "/v1/campaign": {
        "campaign": {"campaign_id": "spring", "headline": "h", "body": "b", "coupon": None},
        "reason": None,
        "trace": [],
    },
    "/v1/offers": {"offers": [OFFER], "disclosures": ["ranking"], "considered": 12},
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Stub:
    """One listening back end. `on[path]` replaces the usual answer of a path; `seen` holds what came in."""

    port: int
    runner: web.AppRunner
    on: dict[str, Handler] = field(default_factory=dict)
    seen: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    aborted: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        try:
            if handler := self.on.get(request.path):
                return await handler(request)
            self.bodies.append(await request.read())
            answer = ANSWERS.get(request.path)
            return web.json_response(answer) if answer is not None else problem(404, "not_found")
        except asyncio.CancelledError:
            self.aborted += 1
            raise

    async def die(self) -> None:
        await self.runner.cleanup()


def problem(status: int, code: str, **headers: str) -> web.Response:
    body = {"type": "about:blank", "title": "t", "status": status, "detail": "d", "code": code, "request_id": "r"}
    text = json.dumps(body)
    return web.Response(status=status, text=text, content_type="application/problem+json", headers=headers)


async def start_stub() -> Stub:
    runner: web.AppRunner
    stub: Stub

    async def handle(request: web.Request) -> web.StreamResponse:
        return await stub.handle(request)

    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{tail:.*}", handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    stub = Stub(port, runner)
    return stub


@pytest.fixture
async def stubs() -> AsyncIterator[dict[str, Stub]]:
    started = {name: await start_stub() for name in SERVICES}
    yield started
    for stub in started.values():
        await stub.die()


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    entry = {
        "key_id": "k1",
        "sha256": hashlib.sha256(API_KEY.encode()).hexdigest(),
        "tenant_id": "t1",
        "scopes": SCOPES,
    }
    path.write_text(
        json.dumps([entry, entry | {"key_id": "k2", "sha256": hashlib.sha256(b"narrow").hexdigest(), "scopes": []}])
    )
    return path


@pytest.fixture
def jwks_file(tmp_path: Path) -> Path:
    path = tmp_path / "jwks.json"
    public = json.loads(OKPAlgorithm.to_jwk(SIGNING_KEY.public_key()))
    path.write_text(json.dumps({"keys": [public | {"kid": "one", "alg": "EdDSA"}]}))
    return path


@pytest.fixture
def settings(stubs: dict[str, Stub], keys_file: Path, jwks_file: Path) -> Callable[..., GatewaySettings]:
    """`settings(max_body_bytes=…)`: settings that lead to the stubs."""

    def make(**changes: Any) -> GatewaySettings:
        urls = {f"{name}_url": f"http://127.0.0.1:{stub.port}" for name, stub in stubs.items()}
        shared = SharedSettings(internal_keys=KEYS, log_level="warning", default_deadline_ms=30_000)  # type: ignore[arg-type]
        given = urls | {"keys_file": keys_file, "jwks_file": jwks_file, "jwt_issuer": "https://id", "shared": shared}
        given |= {"max_deadline_ms": 30_000, "first_stage_ms": 10_000}  # generous: the machine may be busy
        return GatewaySettings(**(given | changes))  # type: ignore[arg-type]

    return make


@pytest.fixture
async def gateway(settings: Callable[..., GatewaySettings], app_client: Any) -> AsyncIterator[Any]:
    """A client of the gateway, in process."""
    async with app_client(create_app(settings())) as client:
        yield client


@pytest.fixture
def key() -> dict[str, str]:
    """The header of a server that may do everything."""
    return {"Authorization": f"Bearer {API_KEY}"}


@pytest.fixture
def token() -> Callable[..., dict[str, str]]:
    """`token("u1")`: the header of a person."""

    def make(subject: str, **changes: Any) -> dict[str, str]:
        claims = {"iss": "https://id", "aud": "kuajie", "sub": subject, "tenant_id": "t1", "exp": time.time() + 60}
        signed = jwt.encode(claims | changes, SIGNING_KEY, "EdDSA", headers={"kid": "one"})
        return {"Authorization": f"Bearer {signed}"}

    return make


@pytest.fixture
def internal() -> Callable[[web.Request], Any]:
    """Who a stub was told calls."""
    keyring = Keyring(KEYS)
    return lambda request: keyring.verify(request.headers["Authorization"].removeprefix("Bearer "))


@pytest.fixture
def answer_problem() -> Callable[..., web.Response]:
    return problem


@pytest.fixture
async def served(settings: Callable[..., GatewaySettings]) -> AsyncIterator[str]:
    """The gateway behind a real socket; its URL."""
    app: FastAPI = create_app(settings())
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await serving
