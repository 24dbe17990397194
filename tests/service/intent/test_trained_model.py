"""The model that ships: whole, small enough, served by default, and refused when it is damaged or not on what is required."""

import asyncio
import shutil
from pathlib import Path

import httpx
import pytest

from services.intent.app import create_app
from services.intent.trained.package import newest_shipped, read_package
from tests.service.intent.conftest import Headers, MakeSettings, OpenClient

LARGEST = 40_000_000


@pytest.fixture(scope="module")
def shipped() -> Path:
    folder = newest_shipped()
    assert folder is not None
    return folder


async def reasons(client: httpx.AsyncClient) -> list[str]:
    """Why it is not ready, once it has tried."""
    async with asyncio.timeout(60):
        while (ready := await client.get("/readyz")).status_code != 200:
            if (why := ready.json()["reasons"]) != ["model_loading"]:
                return list(why)
            await asyncio.sleep(0.02)
    return []


def test_the_package_is_whole_and_at_most_40_mb(shipped: Path) -> None:
    package = read_package(shipped)
    assert package.manifest.version == shipped.name
    assert package.description.precision == "int8"
    assert sum(path.stat().st_size for path in shipped.iterdir()) <= LARGEST
    assert set(package.description.classes) == {"intent", "sentiment", "purchase", "topic"}


async def test_it_is_served_by_default(
    shipped: Path, app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings
) -> None:
    async with app_client(create_app(make_settings(model="auto"))) as client:
        assert await reasons(client) == []
        texts = ["我想买一份重疾险", "how do i get my money back for the python course", "今天会下雨吗", "转人工"]
        answer = await client.post("/v1/understand", json={"texts": texts}, headers=internal_headers("understand"))
        body, metrics = answer.json(), (await client.get("/metrics")).text
    assert body["model"] == {"name": "intent", "version": shipped.name}
    assert [each["label"] for each in body["results"]] == [
        "insurance.buy",
        "content.refund",
        "out_of_scope",
        "human.agent",
    ]
    assert [each["in_scope"] for each in body["results"]] == [True, True, False, True]
    assert body["results"][0]["topics"] == ["critical-illness"]
    assert body["results"][0]["purchase"] > 0.5 > body["results"][1]["purchase"]
    told = 'asked="CPUExecutionProvider",model="intent",runs_on="CPUExecutionProvider"'
    assert f'kuajie_intent_model_provider{{{told},version="{shipped.name}"}} 1.0' in metrics


async def test_a_damaged_package_is_not_served(
    shipped: Path, tmp_path: Path, app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings
) -> None:
    damaged = tmp_path / "model"
    shutil.copytree(shipped, damaged)
    with (damaged / "model.onnx").open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"\0\1\2\3")
    async with app_client(create_app(make_settings(model="auto", model_dir=damaged))) as client:
        assert await reasons(client) == ["model_failed_to_load: the package is damaged: model: checksum of model.onnx"]
        answer = await client.post("/v1/understand", json={"text": "hi"}, headers=internal_headers("understand"))
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_the_folder_that_a_run_made_may_be_named_as_well_as_the_package_in_it(
    shipped: Path, tmp_path: Path, app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings
) -> None:
    shutil.copytree(shipped, tmp_path / "run" / "package")
    async with app_client(create_app(make_settings(model="auto", model_dir=tmp_path / "run"))) as client:
        assert await reasons(client) == []
        [served] = [
            each
            for each in (await client.get("/v1/models", headers=internal_headers("models:read"))).json()["data"]
            if each["state"] == "serving"
        ]
    assert (served["version"], served["source"]) == (shipped.name, "setting")


async def test_a_required_accelerator_that_is_missing_means_not_ready_and_says_why(
    app_client: OpenClient, make_settings: MakeSettings
) -> None:
    import onnxruntime

    present = onnxruntime.get_available_providers()
    if "CUDAExecutionProvider" in present:
        pytest.skip("this machine has what the test wants to be missing")
    settings = make_settings(model="auto", provider_policy="require")
    async with app_client(create_app(settings)) as client:
        assert await reasons(client) == [
            f"model_failed_to_load: CUDAExecutionProvider is required, this onnxruntime has {', '.join(present)}"
        ]


async def test_the_keyword_model_is_on_no_accelerator(app_client: OpenClient, make_settings: MakeSettings) -> None:
    async with app_client(create_app(make_settings(model="keyword", provider_policy="require"))) as client:
        assert await reasons(client) == [
            "model_failed_to_load: CUDAExecutionProvider is required, the keyword model runs on none"
        ]
