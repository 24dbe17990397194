"""Packages that are damaged, before, while and after they serve."""

import shutil
from pathlib import Path

import httpx

from services.intent.app import create_app
from services.intent.settings import IntentSettings
from tests.service.intent.conftest import Headers, OpenClient, difference, until_ready
from tests.service.intent.models.operating import ask, operator, said_by, until, view
from tests.service.intent.packages import damage, seal, write_package


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
