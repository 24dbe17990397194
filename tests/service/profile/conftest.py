"""The profile service over real stores, with a clock that tests can move."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from services.profile.app import create_app
from services.profile.settings import ProfileSettings

SCOPES = (
    "events:write", "events:export", "profile:read", "profile:write", "consents:write", "consents:read", "export:read",
)  # fmt: skip
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        self.now += timedelta(**parts)


@dataclass
class Profile:
    """A running service and a client that carries a server's credential."""

    app: FastAPI
    http: httpx.AsyncClient
    clock: Clock
    headers: dict[str, str] = field(default_factory=dict)

    async def get(self, path, **rest):
        return await self.http.get(path, headers={**self.headers, **rest.pop("headers", {})}, **rest)

    async def post(self, path, json=None, **rest):
        return await self.http.post(path, json=json, headers={**self.headers, **rest.pop("headers", {})}, **rest)

    async def send(self, *messages):
        """Send a batch that the envelope's validation accepts; its verdicts."""
        answer = await self.post("/v1/batch", {"batch": list(messages)})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def load(self, *rows, dry_run=False, headers=None):
        import orjson

        body = b"\n".join(row if isinstance(row, bytes) else orjson.dumps(row) for row in rows)
        answer = await self.http.post(
            "/v1/events/import",
            params={"dry_run": dry_run},
            content=body,
            headers={**(headers or self.headers), "Content-Type": "application/x-ndjson"},
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def snapshot(self, user_id, headers=None):
        answer = await self.get(f"/v1/people/{user_id}/snapshot", headers=headers or {})
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def profile_settings(make_database, shared_settings) -> ProfileSettings:
    # With a connection for each of the dozen calls that tests make at once: on a slow machine the last would wait too long for one.
    return ProfileSettings(
        database_url=SecretStr(make_database("profile")), shared=shared_settings, database_pool_size=20
    )


@pytest.fixture
def open_profile(app_client, internal_headers):
    """`async with open_profile(settings) as profile`."""

    @asynccontextmanager
    async def opened(settings: ProfileSettings) -> AsyncIterator[Profile]:
        clock = Clock()
        app = create_app(settings, clock=clock)
        async with app_client(app) as http:
            yield Profile(app, http, clock, internal_headers(*SCOPES))

    return opened


@pytest.fixture
async def profile(open_profile, profile_settings) -> AsyncIterator[Profile]:
    """An API without background work, so that a test sees what it did and nothing else."""
    settings = profile_settings.model_copy(update={"roles": frozenset({"api"})})
    async with open_profile(settings) as opened:
        yield opened


@pytest.fixture
def as_tenant(internal_headers):
    return lambda tenant: internal_headers(*SCOPES, tenant=tenant)


@pytest.fixture
def as_person(internal_headers):
    return lambda user_id: internal_headers(*SCOPES, subject=user_id, kind="person")


def track(message_id, user_id="u1", event="purchase_completed", *, item_id="i1", timestamp=None, **properties):
    message = {
        "type": "track",
        "message_id": message_id,
        "user_id": user_id,
        "event": event,
        "properties": {"item_id": item_id, **properties},
    }
    if timestamp is not None:
        message["timestamp"] = timestamp
    return message


@pytest.fixture(name="track")
def make_track():
    return track
