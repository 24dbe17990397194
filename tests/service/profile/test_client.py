"""What the gateway calls, over a real socket."""

import asyncio
from contextlib import asynccontextmanager

import pytest
import uvicorn

from services.kit.http import Backend, BackendRefused, CallContext, open_session
from services.kit.resilience import Deadline
from services.kit.telemetry import begin_trace
from services.profile.client import ProfileClient


@asynccontextmanager
async def listening(app):
    """The address of a server that runs the application, whose lifespan is run elsewhere."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_level="warning", ws="none"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


@pytest.fixture
async def client(profile):
    async with listening(profile.app) as url:
        session = open_session()
        yield ProfileClient(Backend(session, url, "profile"))
        await session.close()


@pytest.fixture
def context(profile):
    token = profile.headers["Authorization"].removeprefix("Bearer ")
    return CallContext(token, begin_trace(None, None), Deadline.after_ms(60_000))


async def test_a_snapshot_is_fetched_once_and_then_only_asked_about(profile, client, context, track):
    await profile.send(track("m1", user_id="u/ 1%"))
    first = await client.snapshot("u/ 1%", context)
    assert (first.snapshot.user_id, first.snapshot.features["purchases"]) == ("u/ 1%", 1.0)
    assert await client.snapshot("u/ 1%", context, known=first) is first
    await profile.send(track("m2", user_id="u/ 1%"))
    second = await client.snapshot("u/ 1%", context, known=first)
    assert second.snapshot.features["purchases"] == 2.0
    assert second.etag != first.etag


async def test_a_consent_is_checked(profile, client, context):
    record = {"user_id": "u1", "purpose": "health", "granted": True, "recipient": "insurer-a", "notice_version": "1"}
    await profile.post("/v1/consents", {"records": [record]})
    assert (await client.check_consent("u1", "health", context, recipient="insurer-a")).reason == "granted"
    assert (await client.check_consent("u1", "health", context)).reason == "default_deny"


async def test_a_refusal_has_its_status_and_code(client, context):
    with pytest.raises(BackendRefused) as refused:
        await client.snapshot("u" * 129, context)
    assert (refused.value.status, refused.value.code) == (422, "invalid_request")
