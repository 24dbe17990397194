"""The life of a version: draft, live, retired; what was live never changes; tenants have their own."""

import copy
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from services.insurance.app import create_app
from services.insurance.definition_files import shipped
from services.insurance.settings import InsuranceSettings


def definition(version: int, rate: str = "0.60") -> dict[str, Any]:
    [file] = [file for file in shipped() if file.definition.product_id == "accident-standard"]
    document: dict[str, Any] = copy.deepcopy(file.document)
    document["version"] = version
    document["rating"]["base"]["rate"] = rate
    return document


async def premium(client: httpx.AsyncClient, version: int | None = None) -> str:
    inputs = {"birth_date": "1990-01-01", "occupation": "engineer", "sum_insured": 100000}
    body = {"inputs": inputs, "version": version}
    answer = (await client.post("/v1/products/accident-standard/rating", json=body)).json()
    return str(answer["premium"]["amount"])


async def test_a_new_version_is_a_draft_then_live_and_the_old_one_stays_rateable(client: httpx.AsyncClient) -> None:
    assert await premium(client) == "63.60"  # 56.00 is raised to 60, VAT of 6 %
    draft = await client.post("/v1/products", json=definition(2, "1.00"))
    assert (draft.status_code, draft.json()["status"]) == (201, "draft")
    assert await premium(client) == "63.60"
    live = (await client.post("/v1/products/accident-standard/versions/2/publish")).json()
    assert (live["status"], live["version"]) == ("live", 2)
    assert (await premium(client), await premium(client, 1), await premium(client, 2)) == ("106.00", "63.60", "106.00")
    old = (await client.get("/v1/products/accident-standard", params={"version": 1})).json()
    assert old["status"] == "retired"


async def test_what_was_live_never_changes(client: httpx.AsyncClient) -> None:
    await client.get("/v1/products")
    response = await client.post("/v1/products", json=definition(1, "0.99"))
    assert (response.status_code, response.json()["code"]) == (409, "product_version_immutable")
    assert await premium(client) == "63.60"


async def test_a_draft_may_be_written_over_until_it_is_live(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/products", json=definition(2, "0.80"))).status_code == 201
    assert (await client.post("/v1/products", json=definition(2, "1.00"))).status_code == 201
    await client.post("/v1/products/accident-standard/versions/2/publish")
    assert await premium(client) == "106.00"


async def test_an_unsound_definition_is_refused_by_field(client: httpx.AsyncClient) -> None:
    broken = definition(2)
    broken["rating"]["factors"][0]["bands"][1]["from"] = 55
    response = await client.post("/v1/products", json=broken)
    assert response.status_code == 422
    assert response.json()["param"].startswith("rating.premium.factors.0")
    assert "55 does not follow 49" in response.json()["detail"]


async def test_a_character_that_cannot_be_kept_is_refused(client: httpx.AsyncClient) -> None:
    broken = definition(2)
    broken["title"]["en"] = "Accident\x00 (illustrative)"
    response = await client.post("/v1/products", json=broken)
    assert (response.status_code, response.json()["param"]) == (422, "body")


async def test_a_retired_product_is_not_offered_and_does_not_come_back(client: httpx.AsyncClient) -> None:
    await client.post("/v1/products/accident-standard/versions/1/retire")
    assert (await client.get("/v1/products/accident-standard")).status_code == 404
    again = await client.post("/v1/products/accident-standard/versions/1/publish")
    assert (again.status_code, again.json()["code"]) == (409, "product_version_immutable")


async def test_the_same_key_writes_once(client: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = await client.post("/v1/products", json=definition(2), headers=headers)
    second = await client.post("/v1/products", json=definition(2), headers=headers)
    assert (first.status_code, second.status_code, second.headers["idempotent-replayed"]) == (201, 201, "true")
    assert first.content == second.content


async def test_tenants_have_their_own_versions(
    client: httpx.AsyncClient, internal_headers: Callable[..., dict[str, str]]
) -> None:
    await client.post("/v1/products", json=definition(2, "1.00"))
    await client.post("/v1/products/accident-standard/versions/2/publish")
    client.headers.update(internal_headers("products:read", tenant="other"))
    assert await premium(client) == "63.60"


async def test_another_process_sees_a_new_version_soon(
    client: httpx.AsyncClient, settings: InsuranceSettings, app_client: Any, internal_headers: Any
) -> None:
    other = create_app(settings)
    async with app_client(other) as reader:
        reader.headers.update(internal_headers("products:read"))
        assert await premium(reader) == "63.60"
        await client.post("/v1/products", json=definition(2, "1.00"))
        await client.post("/v1/products/accident-standard/versions/2/publish")
        await other.state.resources.catalogue.refresh()
        assert await premium(reader) == "106.00"


async def test_a_shipped_file_that_changed_makes_the_process_unready(
    client: httpx.AsyncClient, settings: InsuranceSettings, app_client: Any, make_unlike: Callable[[str], None]
) -> None:
    await client.get("/v1/products")
    await make_unlike("travel-trip")
    async with app_client(create_app(settings)) as restarted:
        await restarted.get("/readyz")
        response = await _ready_after_warm_up(restarted)
    assert response.status_code == 503
    assert response.json()["reasons"] == ["product file changed without a new version: travel-trip.v1"]


async def _ready_after_warm_up(restarted: httpx.AsyncClient) -> httpx.Response:
    import asyncio

    for _ in range(1_000):
        response = await restarted.get("/readyz")
        if response.status_code == 503:
            return response
        await asyncio.sleep(0.05)
    pytest.fail("the process stayed ready")
