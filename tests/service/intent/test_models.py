"""Administration of versions over HTTP: roles, refusals, what a restart and another process make of them."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import insert
from sqlalchemy.engine import make_url

from services.intent import model_store
from services.intent.app import create_app
from services.intent.lexical.keyword import KeywordModel
from services.intent.settings import IntentSettings
from services.intent.tables import model_standings
from services.intent.trained.package import published_folder
from services.kit.database import Database
from services.kit.settings import SharedSettings
from tests.service.intent.conftest import Headers, MakeSettings, OpenClient, difference, metric, until_ready
from tests.service.intent.packages import damage, seal, write_package
from tests.service.intent.talking import begin, said

KEYWORD = KeywordModel().version
SCOPES = ("understand", "models:read", "models:write")
DEAD = "postgresql+asyncpg://nobody:x@127.0.0.1:1/none"


def operator(internal_headers: Headers) -> dict[str, str]:
    """Who may do everything, and has time."""
    return {**internal_headers(*SCOPES, subject="ops"), "X-Request-Deadline-Ms": "30000"}


@pytest.fixture
def shelf(shared_settings: SharedSettings) -> Path:
    """Where the installation's packages are published: `a` always greets, `b` always says goodbye."""
    home = published_folder(shared_settings.artifacts_dir)
    write_package(home, "a", "greeting")
    write_package(home, "b", "thanks_bye", sentiment="positive")
    return home


@pytest.fixture
def settings(make_settings: MakeSettings, shelf: Path) -> IntentSettings:
    return make_settings()


@pytest.fixture
async def client(
    app_client: OpenClient, internal_headers: Headers, settings: IntentSettings
) -> AsyncIterator[httpx.AsyncClient]:
    async with app_client(create_app(settings)) as client:
        client.headers.update(operator(internal_headers))
        await until_ready(client)
        yield client


async def ask(client: httpx.AsyncClient, version: str, verb: str, body: object = None) -> httpx.Response:
    return await client.post(f"/v1/models/{version}/{verb}", json=body)


async def view(client: httpx.AsyncClient, version: str) -> dict[str, Any]:
    answer = await client.get(f"/v1/models/{version}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def until(client: httpx.AsyncClient, version: str, **wanted: object) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while not wanted.items() <= (found := await view(client, version)).items():
            await asyncio.sleep(0.02)
    return found


async def said_by(client: httpx.AsyncClient, text: str = "转人工") -> tuple[str, str]:
    """Label and version of an answer."""
    body = (await client.post("/v1/understand", json={"text": text})).json()
    return body["results"][0]["label"], body["model"]["version"]


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


async def test_a_damaged_package_is_refused_and_the_old_model_stays(client: httpx.AsyncClient, shelf: Path) -> None:
    await ask(client, "a", "promote")
    await until(client, "a", state="serving")
    damage(shelf / "b")
    refused = await ask(client, "b", "promote")
    assert (refused.status_code, refused.json()["code"], refused.json()["param"]) == (409, "model_refused", "version")
    assert refused.json()["detail"] == "b is refused: the package is damaged: b: checksum of model.onnx"
    assert (await view(client, "b"))["role"] is None
    assert await said_by(client) == ("greeting", "a")
    seal(shelf / "b", "b")


CARDS = ("card_arrival", "card_lost", "atm_support", "top_up", "greeting")


async def test_a_model_with_labels_of_its_own_is_asked_under_v2_and_not_promoted(
    client: httpx.AsyncClient, shelf: Path
) -> None:
    write_package(shelf, "cards", "card_lost", labels=CARDS)
    refused = await ask(client, "cards", "promote")
    problem = refused.json()
    assert (refused.status_code, problem["code"], problem["param"]) == (409, "foreign_labels", "version")
    assert problem["detail"] == (
        "cards may not serve: /v1/understand knows no label card_arrival, card_lost, atm_support and 1 more; load the model and "
        "ask it under /v2, or set KUAJIE_INTENT_FOREIGN_LABELS=true."
    )
    assert (await view(client, "cards"))["role"] is None
    assert (await ask(client, "cards", "load")).status_code == 202
    await until(client, "cards", state="ready")
    tensor = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["我的卡丢了"]}
    asked = {"inputs": [tensor], "outputs": [{"name": "label"}, {"name": "intent_logits"}]}
    answer = (await client.post("/v2/models/intent/versions/cards/infer", json=asked)).json()
    assert [(each["shape"], each["data"][:5]) for each in answer["outputs"]] == [
        ([1], ["card_lost"]),
        ([1, 5], [0.0, 5.0, 0.0, 0.0, 0.0]),
    ]
    assert await said_by(client) == ("human.agent", KEYWORD)


async def test_a_model_with_fewer_labels_serves(client: httpx.AsyncClient, shelf: Path) -> None:
    write_package(shelf, "few", "greeting", labels=("greeting", "thanks_bye"))
    assert (await ask(client, "few", "promote")).status_code == 202
    await until(client, "few", state="serving")
    assert await said_by(client) == ("greeting", "few")


async def test_an_installation_may_serve_labels_of_its_own_and_takes_that_back(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings, shelf: Path
) -> None:
    write_package(shelf, "cards", "card_lost", labels=CARDS)
    headers = operator(internal_headers) | internal_headers(*SCOPES, "assist:write", subject="ops")
    async with app_client(create_app(make_settings(foreign_labels=True))) as client:
        client.headers.update(headers)
        await until_ready(client)
        assert (await ask(client, "cards", "promote")).status_code == 202
        await until(client, "cards", state="serving")
        assert await said_by(client) == ("card_lost", "cards")
        turn = await said(client, await begin(client), "我的卡丢了")
        assert (turn["message"]["heard"]["label"], turn["message"]["outcome"]) == ("card_lost", "unsure")
    async with app_client(create_app(make_settings())) as client:
        client.headers.update(headers)
        await until_ready(client)
        assert await said_by(client) == ("human.agent", KEYWORD)
        assert (await view(client, "cards"))["state"] == "refused"


async def test_a_package_that_only_fails_when_it_is_opened_is_refused_and_the_old_model_stays(
    client: httpx.AsyncClient, shelf: Path
) -> None:
    await ask(client, "a", "promote")
    await until(client, "a", state="serving")
    (shelf / "b" / "model.onnx").write_bytes(b"no model")
    seal(shelf / "b", "b")
    async with difference(client, "kuajie_intent_model_refusals_total", version="b") as refusals:
        assert (await ask(client, "b", "promote")).status_code == 202
        found = await until(client, "b", state="refused")
    assert (found["role"], found["reason"]) == ("serving", "InvalidProtobuf")
    assert refusals == [1.0]
    assert (await client.get("/readyz")).status_code == 200
    assert await said_by(client) == ("greeting", "a")
    retired = await ask(client, "a", "retire")
    assert (retired.status_code, retired.json()["code"]) == (409, "model_serves")
    write_package(shelf, "c", "human.agent")
    await ask(client, "c", "promote")
    await until(client, "c", state="serving")
    assert await said_by(client) == ("human.agent", "c")


async def test_a_process_that_starts_on_a_damaged_package_serves_the_one_before(
    app_client: OpenClient, internal_headers: Headers, settings: IntentSettings, shelf: Path
) -> None:
    async with app_client(create_app(settings)) as client:
        client.headers.update(operator(internal_headers))
        await until_ready(client)
        for version in ("a", "b"):
            await ask(client, version, "promote")
            await until(client, version, state="serving")
    damage(shelf / "b")
    async with app_client(create_app(settings)) as client:
        client.headers.update(operator(internal_headers))
        await until_ready(client)
        assert await said_by(client) == ("greeting", "a")
        found = await view(client, "b")
        assert (found["state"], found["reason"]) == ("refused", "the package is damaged: b: checksum of model.onnx")
        shutil.rmtree(shelf / "b")
        write_package(shelf, "b", "thanks_bye")
        await until(client, "b", state="serving")


async def test_a_package_under_a_foreign_name_is_refused(client: httpx.AsyncClient, shelf: Path) -> None:
    (shelf / "b").rename(shelf / "c")
    await until(client, "c", state="refused")
    refused = await ask(client, "c", "promote")
    assert refused.json()["detail"] == "c is refused: the package is damaged: c says that it is b"


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


async def test_a_shadow_is_compared_by_language_and_counted_over_its_whole_time(client: httpx.AsyncClient) -> None:
    await ask(client, "a", "promote")
    await until(client, "a", state="serving")
    assert (await ask(client, "b", "shadow", {"share": 1.0})).status_code == 202
    found = await until(client, "b", state="shadow")
    assert (found["role"], found["share"]) == ("shadow", 1.0)
    async with difference(client, "kuajie_intent_shadow_compared_texts_total", version="b", language="zh") as compared:
        answer = await client.post("/v1/understand", json={"texts": ["退款", "买课", "refund"]})
        assert [result["label"] for result in answer.json()["results"]] == ["greeting"] * 3
        async with asyncio.timeout(60):
            while len((await view(client, "b"))["agreement"]) < 2:
                await asyncio.sleep(0.05)
    assert compared == [2.0]
    [english, chinese] = (await view(client, "b"))["agreement"]
    assert english == {
        "against": "a",
        "language": "en",
        "texts": 1,
        "label": 0.0,
        "in_scope": 1.0,
        "sentiment": 0.0,
        "confidence_gap": 0.0,
        "purchase_gap": 0.0,
    }
    assert (chinese["language"], chinese["texts"]) == ("zh", 2)
    other = await ask(client, KEYWORD, "shadow", {"share": 1.0})
    assert (other.status_code, other.json()["code"]) == (409, "another_shadow")
    await ask(client, "b", "unshadow")
    found = await until(client, "b", state="ready")
    assert len(found["agreement"]) == 2
    await ask(client, "b", "shadow", {"share": 1.0})
    assert (await view(client, "b"))["agreement"] == []


async def test_a_share_that_is_none_is_refused_by_name(client: httpx.AsyncClient) -> None:
    for share in (0, 1.5, "half", -1):
        refused = await ask(client, "a", "shadow", {"share": share})
        assert (refused.status_code, refused.json()["param"]) == (422, "share")


async def test_ending_what_is_no_shadow_is_a_conflict(client: httpx.AsyncClient) -> None:
    refused = await ask(client, "a", "unshadow")
    assert (refused.status_code, refused.json()["code"]) == (409, "no_shadow")


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


async def test_without_a_database_what_serves_goes_on_and_administration_says_so(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings, shelf: Path
) -> None:
    async with app_client(create_app(make_settings(database_url=DEAD))) as client:
        client.headers.update(operator(internal_headers))
        await until_ready(client)
        assert await said_by(client) == ("human.agent", KEYWORD)
        for answer in (await client.get("/v1/models"), await ask(client, "a", "promote")):
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


@dataclass
class Wire:
    """What lies between a process and its database; connections on it can fall silent, as behind a firewall that forgot them."""

    silent: set[asyncio.Task[None]] = field(default_factory=set)
    open: set[asyncio.Task[None]] = field(default_factory=set)

    def fall_silent(self) -> None:
        """Nothing comes through any more on the connections that are there, and neither end is told."""
        self.silent |= self.open

    async def carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        me = asyncio.current_task()
        assert me is not None
        self.open.add(me)
        try:
            while data := await source.read(65_536):
                if me not in self.silent:
                    target.write(data)
        except ConnectionError:
            pass
        finally:
            self.open.discard(me)
            target.close()


@asynccontextmanager
async def wired(database_url: str) -> AsyncIterator[tuple[Wire, str]]:
    """The wire, and the database's URL at its near end."""
    url, wire = make_url(database_url), Wire()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(url.host, url.port)
        async with asyncio.TaskGroup() as both:
            both.create_task(wire.carry(reader, far_writer))
            both.create_task(wire.carry(far_reader, writer))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    near = url.set(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    yield wire, near.render_as_string(hide_password=False)
    server.close()


async def test_a_wish_is_heard_though_the_connection_to_the_database_fell_silent(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings, shelf: Path
) -> None:
    direct = make_settings().database_url.get_secret_value()
    db = Database.open(direct)
    async with wired(direct) as (wire, near), app_client(create_app(make_settings(database_url=near))) as client:
        client.headers.update(operator(internal_headers))
        await until_ready(client)
        wire.fall_silent()
        async with db.begin() as connection:
            now = datetime.now(UTC)
            await model_store.change(connection, lambda wanted, _: wanted.promoted("a", now, "ops", serving=KEYWORD))
        async with asyncio.timeout(60):
            while (await said_by(client))[1] != "a":
                await asyncio.sleep(0.05)
    await db.close()


async def test_over_a_connection_that_fell_silent_models_are_a_503_and_then_answer_again(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings, shelf: Path
) -> None:
    direct = make_settings().database_url.get_secret_value()
    async with (
        wired(direct) as (wire, near),
        app_client(create_app(make_settings(database_url=near, roles=["api"]))) as client,
    ):
        client.headers.update(operator(internal_headers))
        await until(client, "a", state="available")
        wire.fall_silent()
        assert (await client.get("/v1/models")).status_code == 503
        async with asyncio.timeout(60):
            while (await client.get("/v1/models")).status_code != 200:
                await asyncio.sleep(0.05)


async def test_a_volume_that_cannot_be_read_keeps_no_process_from_serving(
    app_client: OpenClient, make_settings: MakeSettings, shared_settings: SharedSettings, tmp_path: Path
) -> None:
    unreadable = tmp_path / ("x" * 300)  # no file system takes such a name
    settings = make_settings(shared=shared_settings.model_copy(update={"artifacts_dir": unreadable}))
    async with app_client(create_app(settings)) as client:
        await until_ready(client)


async def test_states_that_only_a_newer_build_knows_are_passed_on(
    client: httpx.AsyncClient, settings: IntentSettings
) -> None:
    db = Database.open(settings.database_url.get_secret_value())
    async with db.begin() as connection:
        row = {"process": "newer", "version": "a", "state": "canary"}
        await connection.execute(insert(model_standings).values(row))
    await db.close()
    assert (await view(client, "a"))["processes"] == {"canary": 1}
