"""All five applications as they are, over real stores, behind real sockets in one thread."""

import asyncio
import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from services.gateway.app import create_app as create_gateway
from services.gateway.settings import GatewaySettings
from services.insurance.app import create_app as create_insurance
from services.insurance.settings import InsuranceSettings
from services.intent.app import create_app as create_intent
from services.intent.settings import IntentSettings
from services.kit.settings import SharedSettings
from services.profile.app import create_app as create_profile
from services.profile.settings import ProfileSettings
from services.recommend.app import create_app as create_recommend
from services.recommend.settings import RecommendSettings

API_KEY = "kj_contract"
SEALING_KEYS = "contract:0123456789abcdef0123456789abcdef"
SCOPES = [
    "events:write", "events:export", "profile:read", "profile:write", "consents:write", "consents:read", "items:write",
    "items:read", "recommend:read", "recommend:export", "campaigns:write", "campaigns:read", "understand", "offers:read",
    "monitor:write", "monitor:read", "monitor:alerts", "monitor:webhooks", "models:read", "models:write",
    "assist:write", "assist:read", "assist:agent", "assist:report", "knowledge:write", "knowledge:read",
    "products:read", "products:write", "suitability:write", "suitability:read", "export:read",
]  # fmt: skip


@dataclass(frozen=True)
class Platform:
    """Where the gateway answers, and a key that may do everything."""

    url: str
    headers: Mapping[str, str]


def applications(database: Callable[[str], str], shared: SharedSettings) -> dict[str, FastAPI]:
    """The four back ends; `database` gives the URL of a service's own."""
    return {
        "profile": create_profile(ProfileSettings(database_url=database("profile"), shared=shared)),  # type: ignore[arg-type]
        "recommend": create_recommend(RecommendSettings(database_url=database("recommend"), shared=shared)),  # type: ignore[arg-type]
        "intent": create_intent(
            IntentSettings(model="keyword", database_url=database("intent"), sealing_keys=SEALING_KEYS, shared=shared)  # type: ignore[arg-type]
        ),
        "insurance": create_insurance(InsuranceSettings(database_url=database("insurance"), shared=shared)),  # type: ignore[arg-type]
    }


@pytest.fixture
def back_ends(make_database: Callable[[str], str], shared_settings: SharedSettings) -> dict[str, FastAPI]:
    return applications(make_database, shared_settings)


@pytest.fixture
def gateway_settings(tmp_path: Path, shared_settings: SharedSettings) -> Callable[..., GatewaySettings]:
    keys = tmp_path / "keys.json"
    digest = hashlib.sha256(API_KEY.encode()).hexdigest()
    keys.write_text(json.dumps([{"key_id": "contract", "sha256": digest, "tenant_id": "default", "scopes": SCOPES}]))
    return lambda **urls: GatewaySettings(
        keys_file=keys, shared=shared_settings, max_deadline_ms=60_000, first_stage_ms=20_000, **urls
    )


@pytest.fixture
def platform(back_ends: dict[str, FastAPI], gateway_settings: Callable[..., GatewaySettings]) -> Iterator[Platform]:
    listening = {name: _listen() for name in (*back_ends, "gateway")}
    urls = {name: f"http://127.0.0.1:{at.getsockname()[1]}" for name, at in listening.items()}
    gateway = create_gateway(gateway_settings(**{f"{name}_url": urls[name] for name in back_ends}))
    servers = {
        name: uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
        for name, app in (back_ends | {"gateway": gateway}).items()
    }

    async def serve() -> None:
        await asyncio.gather(*(server.serve(sockets=[listening[name]]) for name, server in servers.items()))

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        while not all(server.started for server in servers.values()):
            if not thread.is_alive():
                raise RuntimeError("a service did not start")
            thread.join(0.05)
        yield Platform(urls["gateway"], {"Authorization": f"Bearer {API_KEY}", "X-Request-Deadline-Ms": "60000"})
    finally:
        for server in servers.values():
            server.should_exit = True
        thread.join(60)


def _listen() -> socket.socket:
    at = socket.socket()
    at.bind(("127.0.0.1", 0))
    return at
