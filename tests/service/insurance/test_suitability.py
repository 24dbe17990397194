"""Suitability records over HTTP: judged, kept once, expiring, published."""

from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest
from redis.asyncio import Redis
from sqlalchemy import select

from services.insurance.app import create_app
from services.insurance.settings import InsuranceSettings
from services.insurance.tables import stream_tables
from services.kit.database import Database
from services.kit.settings import SharedSettings
from services.kit.stream import StreamKeys


async def published(settings: InsuranceSettings) -> list[Any]:
    db = Database.open(settings.database_url.get_secret_value())
    async with db.connect() as connection:
        rows = (await connection.execute(select(stream_tables.outbox))).all()
    await db.close()
    return list(rows)


async def test_a_record_has_verdicts_reasons_and_an_expiry(record: Any) -> None:
    made = await record("u1", debt_share="over_40", understands_risks=False)
    assert {kind: each["verdict"] for kind, each in made["verdicts"].items()} == {
        "insurance": "suitable", "loan": "not_suitable", "instalment": "not_suitable", "wealth": "not_suitable",
    }  # fmt: skip
    wealth = made["verdicts"]["wealth"]
    assert wealth["reason_codes"] == ["risks_not_understood", "debt_first"]
    assert wealth["advice"].startswith("By your answers we advise against this kind of product")
    assert (made["recorded_at"], made["expires_at"]) == ("2026-06-01T12:00:00Z", "2027-06-01T12:00:00Z")
    assert made["record_id"].startswith("sui_")


async def test_the_record_is_told_to_others(record: Any, settings: InsuranceSettings) -> None:
    made = await record("u1")
    [fact] = await published(settings)
    assert (fact.type, fact.tenant_id, fact.subject) == ("suitability.recorded", "default", "u1")
    assert fact.data["verdicts"]["insurance"] == "suitable"
    assert fact.data["record_id"] == made["record_id"]
    assert fact.data["expires_at"] == "2027-06-01T12:00:00+00:00"


async def test_the_worker_puts_the_fact_on_the_stream(
    settings: InsuranceSettings, app_client: Any, internal_headers: Any, answers: dict[str, Any], redis_url: str
) -> None:
    app = create_app(settings.model_copy(update={"roles": frozenset({"api", "worker"})}))
    async with app_client(app) as client, Redis.from_url(redis_url) as redis:
        client.headers.update(internal_headers("suitability:write"))
        await client.post("/v1/suitability", json={"user_id": "u1", "answers": answers})
        entries = await redis.xread({StreamKeys("insurance").stream: "0-0"}, count=1, block=20_000)
    [[_, [[_, fields]]]] = entries if isinstance(entries, list) else entries.items()
    assert orjson.loads(fields[b"e"])["data"]["user_id"] == "u1"


async def test_the_same_key_records_once(client: httpx.AsyncClient, record: Any, settings: InsuranceSettings) -> None:
    answers = (await record("u0"))["answers"]
    headers = {"Idempotency-Key": "once"}
    first = await client.post("/v1/suitability", json={"user_id": "u1", "answers": answers}, headers=headers)
    second = await client.post("/v1/suitability", json={"user_id": "u1", "answers": answers}, headers=headers)
    assert (first.content, second.headers["idempotent-replayed"]) == (second.content, "true")
    assert [fact.subject for fact in await published(settings)] == ["u0", "u1"]
    other = await client.post("/v1/suitability", json={"user_id": "u2", "answers": answers}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_the_newest_record_counts(client: httpx.AsyncClient, record: Any) -> None:
    await record("u1", horizon="under_1")
    newest = await record("u1", horizon="over_10")
    state = (await client.get("/v1/people/u1/suitability", params={"locale": "en"})).json()
    assert (state["status"], state["record"]) == ("valid", newest)


async def test_a_record_expires_and_says_where_to_go(client: httpx.AsyncClient, record: Any, clock: Any) -> None:
    await record("u1")
    clock.forward(days=365)
    state = (await client.get("/v1/people/u1/suitability")).json()
    assert state["status"] == "expired"
    assert state["links"][0] == {"rel": "suitability", "href": "/v1/suitability", "method": "POST"}


async def test_somebody_without_a_record_has_none(client: httpx.AsyncClient) -> None:
    state = (await client.get("/v1/people/nobody/suitability")).json()
    assert (state["status"], state["record"]) == ("none", None)


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"horizon": "forever"}, "answers.horizon"),
        ({"age_band": "65_plus"}, "answers.accompanied"),
        ({"shoe_size": 44}, "answers.shoe_size"),
        ({"dependants": 1.5}, "answers.dependants"),
    ],
)
async def test_an_answer_at_fault_is_named(
    client: httpx.AsyncClient, record: Any, changes: dict[str, Any], param: str
) -> None:
    answers = {**(await record("u0"))["answers"], **changes}
    response = await client.post("/v1/suitability", json={"user_id": "u1", "answers": answers})
    assert response.status_code == 422
    assert response.json()["param"].startswith(param)


async def test_answers_to_other_questions_are_refused(client: httpx.AsyncClient, record: Any) -> None:
    answers = (await record("u0"))["answers"]
    body = {"user_id": "u1", "answers": answers, "questionnaire_version": "2019.1"}
    response = await client.post("/v1/suitability", json=body)
    assert (response.status_code, response.json()["code"]) == (409, "questionnaire_outdated")


async def test_questions_come_with_version_and_options(client: httpx.AsyncClient) -> None:
    questions = (await client.get("/v1/suitability/questions", params={"locale": "en"})).json()
    assert questions["version"] == "2026.1"
    assert [each["id"] for each in questions["questions"]][:2] == ["needs", "existing_cover"]
    [accompanied] = [each for each in questions["questions"] if each["id"] == "accompanied"]
    assert accompanied["required_when"] == {"question": "age_band", "value": "65_plus"}


async def test_records_stay_with_their_tenant(
    client: httpx.AsyncClient, record: Any, internal_headers: Callable[..., dict[str, str]]
) -> None:
    await record("u1")
    client.headers.update(internal_headers("suitability:read", tenant="other"))
    assert (await client.get("/v1/people/u1/suitability")).json()["status"] == "none"


async def test_a_person_sees_and_answers_only_for_themselves(
    client: httpx.AsyncClient, record: Any, internal_headers: Callable[..., dict[str, str]]
) -> None:
    answers = (await record("u1"))["answers"]
    client.headers.update(internal_headers("suitability:read", "suitability:write", subject="u2", kind="person"))
    assert (await client.get("/v1/people/u1/suitability")).status_code == 403
    assert (await client.post("/v1/suitability", json={"user_id": "u1", "answers": answers})).status_code == 403
    assert (await client.post("/v1/suitability", json={"user_id": "u2", "answers": answers})).status_code == 201


async def test_everything_works_while_redis_is_dead(
    settings: InsuranceSettings, shared_settings: SharedSettings, app_client: Any, internal_headers: Any
) -> None:
    dead = shared_settings.model_copy(update={"redis_url": type(shared_settings.redis_url)("redis://127.0.0.1:1/0")})
    app = create_app(settings.model_copy(update={"shared": dead}))
    async with app_client(app) as client:
        client.headers.update(internal_headers("products:read", "suitability:read"))
        assert (await client.get("/readyz")).status_code == 200
        assert (await client.get("/v1/products/travel-trip")).status_code == 200
        assert (await client.get("/v1/people/u1/suitability")).json()["status"] == "none"


async def test_a_lost_database_is_a_503_that_says_so(
    settings: InsuranceSettings, app_client: Any, internal_headers: Any
) -> None:
    url = type(settings.database_url)("postgresql+asyncpg://nobody:x@127.0.0.1:1/none")
    async with app_client(create_app(settings.model_copy(update={"database_url": url}))) as client:
        client.headers.update(internal_headers("suitability:read"))
        response = await client.get("/v1/people/u1/suitability")
        assert (response.status_code, response.json()["code"]) == (503, "unavailable")
        assert (await client.get("/readyz")).json()["reasons"] == ["database unreachable"]
