"""A route's straight way: it answers, hands over, fails as the declared route would, and is measured under its name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import pytest
from fastapi import APIRouter, FastAPI, Request, Response

from services.kit.app import build_app
from services.kit.errors import Conflict
from services.kit.express import Declared, Straight
from services.kit.identity import Caller, requires
from services.kit.wire import EdgeModel

PATH = "/v1/toys"


class Toy(EdgeModel):
    name: str


async def straight(request: Request, _: Caller) -> Response | Declared:
    """Answers what it knows, and hands over with the body or without."""
    if "x-unread" in request.headers:
        return Declared()
    body = await request.body()
    if b"taken" in body:
        raise Conflict("There is one.", param="name")
    if b"broken" in body:
        raise RuntimeError("a secret")
    return Response(b'{"by":"straight"}', media_type="application/json") if b"plain" in body else Declared(body)


@pytest.fixture
async def client(shared_settings, app_client):
    router = APIRouter()

    @router.post(PATH)
    async def toys(body: Toy, _: Annotated[Caller, requires("toys:write")]) -> dict[str, str]:
        return {"by": "declared", "name": body.name}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    async def ready(_: FastAPI) -> list[str]:
        return []

    app = build_app(
        "express",
        title="Express",
        shared=shared_settings,
        lifespan=lifespan,
        routers=[router],
        ready=ready,
        max_body_bytes=100,
        straight=[Straight("POST", PATH, "toys:write", straight)],
    )
    async with app_client(app) as client:
        yield client


@pytest.fixture
def headers(internal_headers):
    return internal_headers("toys:write")


async def test_it_answers_and_hands_over_with_the_body_or_before_it_is_read(client, headers):
    plain = await client.post(PATH, json={"name": "plain"}, headers=headers)
    assert (plain.status_code, plain.json()) == (200, {"by": "straight"})
    for more in ({}, {"X-Unread": "1"}):
        other = await client.post(PATH, json={"name": "other"}, headers={**headers, **more})
        assert other.json() == {"by": "declared", "name": "other"}


async def test_what_is_wrong_is_said_by_the_declared_route(client, headers):
    answer = await client.post(PATH, json={"name": 1}, headers=headers)
    assert (answer.status_code, answer.json()["param"]) == (422, "name")
    assert (await client.get(PATH, headers=headers)).status_code == 405


async def test_its_own_errors_are_problems_with_the_request_id(client, headers, internal_headers):
    taken = await client.post(PATH, json={"name": "taken"}, headers={**headers, "X-Request-Id": "abc-1"})
    assert (taken.status_code, taken.json()["code"], taken.json()["request_id"]) == (409, "conflict", "abc-1")
    assert taken.headers["x-request-id"] == "abc-1"
    assert (await client.post(PATH, json={"name": "plain"})).status_code == 401
    unscoped = await client.post(PATH, json={"name": "plain"}, headers=internal_headers("other"))
    assert (unscoped.status_code, unscoped.json()["code"]) == (403, "forbidden")


async def test_a_large_body_and_a_failure_are_told_as_everywhere(client, headers):
    large = await client.post(PATH, json={"name": "x" * 200}, headers=headers)
    assert (large.status_code, large.json()["code"]) == (413, "payload_too_large")
    broken = await client.post(PATH, json={"name": "broken"}, headers=headers)
    assert (broken.status_code, broken.json()["code"]) == (500, "internal_error")
    assert "secret" not in broken.text


async def counts(client) -> dict[str, float]:
    """Requests so far by status, of this path alone."""
    begin = f'kuajie_http_requests_total{{method="POST",route="{PATH}",service="express",status="'
    lines = (await client.get("/metrics")).text.splitlines()
    found = [line.removeprefix(begin) for line in lines if line.startswith(begin)]
    return {line[:3]: float(line.rsplit(" ", 1)[1]) for line in found}


async def test_metrics_name_the_route_whichever_way_it_took(client, headers):
    before = await counts(client)
    for name in ("plain", "other", "taken"):
        await client.post(PATH, json={"name": name}, headers=headers)
    after = await counts(client)
    assert {status: after[status] - before.get(status, 0) for status in ("200", "409")} == {"200": 2, "409": 1}


async def test_who_asks_is_checked_before_what_is_asked(client):
    answer = await client.post(PATH, content=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 401
