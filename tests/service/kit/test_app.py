import asyncio
from contextlib import asynccontextmanager
from typing import Annotated

import pytest
from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel, field_validator

from services.kit.app import build_app, deadline_of
from services.kit.errors import Conflict
from services.kit.identity import Caller, requires
from services.kit.wire import EdgeModel


class Row(EdgeModel):
    count: int

    @field_validator("count")
    @classmethod
    def _some(cls, count: int) -> int:
        if count < 0:
            raise ValueError("Nobody has fewer than none.")
        return count


class Body(EdgeModel):
    rows: list[Row]


class Answer(BaseModel):
    tenant: str


def make_app(shared, *, reasons=(), **options) -> FastAPI:
    router = APIRouter()
    Reader = Annotated[Caller, requires("toys:read")]

    @router.post("/v1/toys")
    async def toys(body: Body, caller: Reader) -> Answer:
        return Answer(tenant=caller.tenant_id)

    @router.get("/v1/conflict")
    async def conflict(caller: Reader) -> Answer:
        raise Conflict("Already there.", param="id", existing="toy_1")

    @router.get("/v1/broken")
    async def broken(caller: Reader) -> Answer:
        raise RuntimeError("a secret of the database")

    @router.get("/v1/slow")
    async def slow(request: Request, caller: Reader) -> Answer:
        await asyncio.sleep(30)
        return Answer(tenant="")

    @router.get("/v1/late")
    async def late(request: Request, caller: Reader) -> Answer:
        await asyncio.sleep(deadline_of(request).remaining() + 0.03)
        return Answer(tenant="")

    @asynccontextmanager
    async def lifespan(_: FastAPI):
        yield

    async def ready(_: FastAPI):
        return list(reasons)

    return build_app("toys", title="Toys", shared=shared, lifespan=lifespan, routers=[router], ready=ready, **options)


@pytest.fixture
async def client(shared_settings, app_client):
    async with app_client(make_app(shared_settings, body_limits={"/v1/toys": 200})) as client:
        yield client


@pytest.fixture
def headers(internal_headers):
    return internal_headers("toys:read", tenant="acme")


async def test_the_tenant_comes_from_the_credential(client, headers):
    answer = await client.post("/v1/toys", json={"rows": []}, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"tenant": "acme"})


async def test_no_credential_and_a_missing_scope_are_told_apart(client, internal_headers):
    anonymous = await client.post("/v1/toys", json={"rows": []})
    assert (anonymous.status_code, anonymous.json()["code"]) == (401, "unauthorised")
    assert anonymous.headers["www-authenticate"] == 'Bearer realm="kuajie"'
    unscoped = await client.post("/v1/toys", json={"rows": []}, headers=internal_headers("other"))
    assert (unscoped.status_code, unscoped.json()["scope"]) == (403, "toys:read")


async def test_a_wrong_field_is_named_in_problem_json(client, headers):
    answer = await client.post("/v1/toys", json={"rows": [{"count": 1}, {"count": "x"}]}, headers=headers)
    problem = answer.json()
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["code"], problem["param"], problem["status"]) == ("invalid_request", "rows.1.count", 422)
    assert problem["request_id"] == answer.headers["x-request-id"]


async def test_an_unknown_field_is_named(client, headers):
    answer = await client.post("/v1/toys", json={"rows": [], "colour": "red"}, headers=headers)
    assert (answer.status_code, answer.json()["param"]) == (422, "colour")


async def test_a_check_of_ours_speaks_for_itself(client, headers):
    answer = await client.post("/v1/toys", json={"rows": [{"count": -1}]}, headers=headers)
    problem = answer.json()
    assert (answer.status_code, problem["param"], problem["detail"]) == (
        422,
        "rows.0.count",
        "Nobody has fewer than none.",
    )
    assert problem["errors"] == [
        {"param": "rows.0.count", "code": "value_error", "detail": "Nobody has fewer than none."}
    ]


async def test_malformed_json_is_a_400(client, headers):
    answer = await client.post("/v1/toys", content=b"{", headers={**headers, "content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


async def test_a_body_of_another_encoding_is_told_so(client, headers):
    body = '{"rows": [], "名": 1}'.encode("gbk")
    answer = await client.post("/v1/toys", content=body, headers={**headers, "content-type": "application/json"})
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["param"]) == (400, "bad_request", "body")
    assert problem["detail"] == "The body is not UTF-8."


async def test_a_body_over_the_limit_is_a_413_declared_or_streamed(client, headers):
    big = b'{"rows": [' + b" " * 300 + b"]}"
    declared = await client.post("/v1/toys", content=big, headers={**headers, "content-type": "application/json"})

    async def chunks():
        for at in range(0, len(big), 50):
            yield big[at : at + 50]

    streamed = await client.post("/v1/toys", content=chunks(), headers={**headers, "content-type": "application/json"})
    assert [declared.status_code, streamed.status_code] == [413, 413]
    assert declared.json()["code"] == streamed.json()["code"] == "payload_too_large"


async def test_an_error_class_carries_its_status_and_code(client, headers):
    answer = await client.get("/v1/conflict", headers=headers)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["param"], problem["existing"]) == (
        409,
        "conflict",
        "id",
        "toy_1",
    )


async def test_a_failure_says_nothing_of_its_inside(client, headers):
    answer = await client.get("/v1/broken", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text


async def test_the_deadline_of_the_caller_ends_the_request(client, headers):
    answer = await client.get("/v1/slow", headers={**headers, "X-Request-Deadline-Ms": "30"})
    assert (answer.status_code, answer.json()["code"]) == (504, "deadline_exceeded")


@pytest.mark.parametrize(
    "said", ["abc", "-5", "nan", "0", "400.0", "1e3", "", "3600001", "9" * 5000, "４００".encode()]
)
async def test_a_deadline_that_is_none_is_refused_by_its_header(client, headers, said):
    answer = await client.get("/v1/conflict", headers={**headers, "X-Request-Deadline-Ms": said})
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["param"]) == (400, "bad_request", "X-Request-Deadline-Ms")
    assert problem["detail"] == "The deadline is a whole number of milliseconds from 1 to 3,600,000."
    assert problem["request_id"] == answer.headers["x-request-id"]
    longest = await client.get("/v1/conflict", headers={**headers, "X-Request-Deadline-Ms": "3600000"})
    assert longest.status_code == 409


async def test_a_route_that_ends_by_itself_may_be_a_little_late(shared_settings, app_client, headers):
    late = {**headers, "X-Request-Deadline-Ms": "30"}
    async with app_client(make_app(shared_settings, graces={"/v1/late": 60.0})) as client:
        assert (await client.get("/v1/late", headers=late)).status_code == 200
    async with app_client(make_app(shared_settings, graces={"/v1/other": 60.0})) as client:
        assert (await client.get("/v1/late", headers=late)).status_code == 504


async def test_ids_of_the_caller_are_kept_and_a_new_span_is_begun(client, headers):
    sent = {"X-Request-Id": "abc-1", "traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01"}
    answer = await client.get("/v1/conflict", headers={**headers, **sent})
    assert answer.headers["x-request-id"] == "abc-1"
    odd = await client.get("/v1/conflict", headers={**headers, "X-Request-Id": "a b"})
    assert odd.headers["x-request-id"].startswith("req_")


async def test_an_unknown_path_is_problem_json(client):
    answer = await client.get("/v1/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_probes_can_fail_and_metrics_name_the_route(shared_settings, app_client, headers):
    async with app_client(make_app(shared_settings, reasons=["model not loaded"])) as client:
        await client.get("/v1/conflict", headers=headers)
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["reasons"]) == (503, ["model not loaded"])
        assert (await client.get("/livez")).status_code == 200
        metrics = (await client.get("/metrics")).text
    assert 'kuajie_http_requests_total{method="GET",route="/v1/conflict",service="toys",status="409"}' in metrics
