"""Administration of versions over HTTP: roles, refusals, what a restart and another process make of them."""

from pathlib import Path

import httpx
import pytest
from sqlalchemy import insert

from services.intent.app import create_app
from services.intent.settings import IntentSettings
from services.intent.tables import model_standings
from services.kit.database import Database
from tests.service.intent.conftest import Headers, MakeSettings, OpenClient, difference, metric, until_ready
from tests.service.intent.models.operating import KEYWORD, ask, operator, said_by, until, view


async def test_every_version_that_is_here_is_listed_with_its_state(client: httpx.AsyncClient) -> None:
    rows = (await client.get("/v1/models")).json()["data"]
    shipped = [row["version"] for row in rows if row["source"] == "shipped"]
    assert {row["version"]: row["state"] for row in rows if row["version"] not in shipped} == {
        KEYWORD: "serving",
        "a": "available",
        "b": "available",
    }
    assert shipped
    assert [row["source"] for row in rows if row["version"] in {KEYWORD, "a"}] == ["built_in", "published"]
    first = (await client.get("/v1/models", params={"limit": 1})).json()
    assert (first["data"], first["has_more"]) == (rows[:1], True)
    rest = (await client.get("/v1/models", params={"cursor": first["next_cursor"]})).json()
    assert (rest["data"], rest["has_more"], rest["next_cursor"]) == (rows[1:], False, None)


async def test_a_promoted_version_serves_and_the_one_before_is_let_go(client: httpx.AsyncClient) -> None:
    assert await said_by(client) == ("human.agent", KEYWORD)
    async with difference(client, "kuajie_intent_model_swaps_total") as swaps:
        asked = await ask(client, "a", "promote")
        assert (asked.status_code, asked.json()["role"], asked.json()["asked_by"]) == (202, "serving", "ops")
        found = await until(client, "a", state="serving")
        assert found["load_s"] > 0
        assert await said_by(client) == ("greeting", "a")
        await ask(client, "b", "promote")
        await until(client, "b", state="serving")
        assert await said_by(client) == ("thanks_bye", "b")
        before = await until(client, "a", state="available")
        assert (before["role"], before["load_s"]) == (None, None)
        await ask(client, "a", "promote")
        await until(client, "a", state="serving")
        assert await said_by(client) == ("greeting", "a")
    assert swaps == [3.0]
    assert await metric(client, "kuajie_intent_model_state", version="a") == 1.0
    assert await metric(client, "kuajie_intent_model_state", version="a", state="serving") == 1.0


async def test_of_a_version_that_was_let_go_only_its_state_is_told(client: httpx.AsyncClient) -> None:
    for version in ("a", "b"):
        await ask(client, version, "promote")
        await until(client, version, state="serving")
        assert (await said_by(client))[1] == version
    await until(client, "a", state="available")
    lines = (await client.get("/metrics")).text.splitlines()
    assert [line for line in lines if 'version="a"' in line] == [
        'kuajie_intent_model_state{state="available",version="a"} 1.0'
    ]
    assert [line for line in lines if "kuajie_intent_inference_count_total" in line and 'version="b"' in line]


async def test_a_cached_answer_of_another_version_is_not_given(client: httpx.AsyncClient) -> None:
    for version, label in (("a", "greeting"), ("b", "thanks_bye"), ("a", "greeting")):
        await ask(client, version, "promote")
        await until(client, version, state="serving")
        assert await said_by(client, "same text") == (label, version)
        assert await said_by(client, "same text") == (label, version)


async def test_what_was_promoted_is_served_after_a_restart(
    app_client: OpenClient, internal_headers: Headers, settings: IntentSettings
) -> None:
    headers = operator(internal_headers)
    async with app_client(create_app(settings)) as client:
        client.headers.update(headers)
        await until_ready(client)
        await ask(client, "b", "promote")
        await until(client, "b", state="serving")
    async with app_client(create_app(settings)) as client:
        client.headers.update(headers)
        await until_ready(client)
        assert await said_by(client) == ("thanks_bye", "b")


async def test_another_process_follows_and_both_are_counted(
    app_client: OpenClient, internal_headers: Headers, settings: IntentSettings
) -> None:
    async with app_client(create_app(settings)) as one, app_client(create_app(settings)) as other:
        for client in (one, other):
            client.headers.update(operator(internal_headers))
            await until_ready(client)
        await ask(one, "a", "promote")
        await until(other, "a", state="serving")
        assert await said_by(other) == ("greeting", "a")
        await until(one, "a", processes={"serving": 2})


async def test_a_version_that_is_loaded_is_ready_until_it_is_retired(client: httpx.AsyncClient) -> None:
    await ask(client, "a", "load")
    found = await until(client, "a", state="ready")
    assert found["role"] == "loaded"
    assert await said_by(client) == ("human.agent", KEYWORD)
    assert (await ask(client, "a", "retire")).status_code == 202
    found = await until(client, "a", state="available")
    assert found["role"] is None


async def test_the_version_that_serves_is_neither_retired_nor_made_a_shadow(client: httpx.AsyncClient) -> None:
    for version in (KEYWORD, "a"):
        if version == "a":
            await ask(client, "a", "promote")
            await until(client, "a", state="serving")
        for verb, body in (("retire", None), ("shadow", {"share": 0.5})):
            refused = await ask(client, version, verb, body)
            assert (refused.status_code, refused.json()["code"]) == (409, "model_serves")


async def test_more_versions_than_may_be_held_are_refused(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings, shelf: Path
) -> None:
    async with app_client(create_app(make_settings(loaded_models=2))) as client:
        client.headers.update(operator(internal_headers))
        await until_ready(client)
        assert (await ask(client, "a", "load")).status_code == 202
        refused = await ask(client, "b", "load")
        assert (refused.status_code, refused.json()["code"]) == (409, "too_many_models")
        await ask(client, "a", "retire")
        assert (await ask(client, "b", "load")).status_code == 202


@pytest.mark.parametrize("verb", ["load", "promote", "unshadow", "retire"])
async def test_an_unknown_version_is_not_found(client: httpx.AsyncClient, verb: str) -> None:
    unknown = await ask(client, "nope", verb)
    assert (unknown.status_code, unknown.json()["param"]) == (404, "version")
    assert (await client.get("/v1/models/nope")).status_code == 404


async def test_scopes_are_asked_for(client: httpx.AsyncClient, internal_headers: Headers) -> None:
    reader = internal_headers("models:read")
    assert (await client.get("/v1/models", headers=internal_headers("understand"))).status_code == 403
    assert (await client.get("/v1/models", headers=reader)).status_code == 200
    assert (await client.post("/v1/models/a/promote", headers=reader)).status_code == 403


async def test_states_that_only_a_newer_build_knows_are_passed_on(
    client: httpx.AsyncClient, settings: IntentSettings
) -> None:
    db = Database.open(settings.database_url.get_secret_value())
    async with db.begin() as connection:
        row = {"process": "newer", "version": "a", "state": "canary"}
        await connection.execute(insert(model_standings).values(row))
    await db.close()
    assert (await view(client, "a"))["processes"] == {"canary": 1}
