"""Products over HTTP: lists, versions, prices with their calculation, eligibility."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

INPUTS = {"birth_date": "1976-06-01", "occupation": "driver", "sum_insured": 1000000}


async def test_products_are_listed_page_by_page(client: httpx.AsyncClient) -> None:
    first = (await client.get("/v1/products", params={"limit": 10})).json()
    assert (len(first["data"]), first["has_more"]) == (10, True)
    second = (await client.get("/v1/products", params={"limit": 10, "cursor": first["next_cursor"]})).json()
    assert (len(second["data"]), second["has_more"], second["next_cursor"]) == (3, False, None)
    ids = [product["product_id"] for product in first["data"] + second["data"]]
    assert ids == sorted(ids)
    assert all(product["illustrative"] for product in first["data"])


async def test_a_foreign_cursor_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/products", params={"cursor": "bm9wZQ"})
    assert (response.status_code, response.json()["param"]) == (400, "cursor")


async def test_a_product_comes_with_its_whole_definition_and_checksum(client: httpx.AsyncClient) -> None:
    product = (await client.get("/v1/products/accident-standard")).json()
    assert (product["version"], product["status"]) == (1, "live")
    assert product["definition"]["rating"]["rounding"] == {"rule": "half_up", "step": "0.01"}
    assert len(product["checksum"]) == 64


@pytest.mark.parametrize("path", ["/v1/products/unicorn-cover", "/v1/products/accident-standard?version=9"])
async def test_what_does_not_exist_is_404(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert (response.status_code, response.json()["code"]) == (404, "product_not_found")


async def test_a_price_comes_with_every_step(client: httpx.AsyncClient) -> None:
    answer = (await client.post("/v1/products/accident-standard/rating", json={"inputs": INPUTS})).json()
    assert answer["premium"] == {"amount": "1202.04", "currency": "CNY"}  # 560 x 1.25 x 1.80 x 0.90 x 1.06
    assert (answer["age"], answer["rounding"], answer["table_version"]) == (50, "half_up to 0.01", "2026.1")
    assert [(step["code"], step["operand"], step["amount"]) for step in answer["trace"]] == [
        ("base_rate", "0.56", "0.56"),
        ("units", "1000", "560"),
        ("age", "1.25", "700"),
        ("occupation", "1.8", "1260"),
        ("size", "0.9", "1134"),
        ("vat", "1.06", "1202.04"),
        ("rounding", "0.01", "1202.04"),
    ]


async def test_a_price_can_be_asked_for_another_day(client: httpx.AsyncClient) -> None:
    body = {"inputs": INPUTS, "as_of": "2026-05-31T15:59:59Z"}  # the last second of 31 May in Shanghai
    answer = (await client.post("/v1/products/accident-standard/rating", json=body)).json()
    assert answer["age"] == 49


@pytest.mark.parametrize(
    ("inputs", "status", "param", "code"),
    [
        ({**INPUTS, "sum_insured": 5}, 422, "inputs.sum_insured", "invalid_request"),
        ({**INPUTS, "sum_insured": "1000000"}, 422, "inputs.sum_insured", "invalid_request"),
        ({"birth_date": "1976-06-01", "occupation": "driver"}, 422, "inputs.sum_insured", "invalid_request"),
        ({**INPUTS, "colour": "red"}, 422, "inputs.colour", "invalid_request"),
        ({**INPUTS, "birth_date": "1976-06-31"}, 422, "inputs.birth_date", "invalid_request"),
        ({**INPUTS, "birth_date": "2031-01-01"}, 422, "inputs.birth_date", "not_rateable"),
        ({**INPUTS, "birth_date": "1940-01-01"}, 422, "inputs.birth_date", "not_rateable"),
        ({**INPUTS, "occupation": None}, 422, "inputs.occupation", "invalid_request"),
        ({**INPUTS, "occupation": {"a": [1]}}, 422, "inputs.occupation", "invalid_request"),
    ],
)
async def test_inputs_at_fault_are_named(
    client: httpx.AsyncClient, inputs: dict[str, Any], status: int, param: str, code: str
) -> None:
    response = await client.post("/v1/products/accident-standard/rating", json={"inputs": inputs})
    problem = response.json()
    assert (response.status_code, problem["param"], problem["code"]) == (status, param, code)
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_moment_out_of_reach_is_named(client: httpx.AsyncClient) -> None:
    body = {"inputs": INPUTS, "as_of": "9999-12-31T23:59:59Z"}
    response = await client.post("/v1/products/accident-standard/rating", json=body)
    assert (response.status_code, response.json()["param"]) == (422, "as_of")


async def test_an_unknown_field_beside_the_inputs_is_named(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/products/accident-standard/rating", json={"inputs": INPUTS, "discount": 1})
    assert (response.status_code, response.json()["param"]) == (422, "discount")


async def test_credit_is_rated_with_its_yearly_rate(client: httpx.AsyncClient) -> None:
    body = {"inputs": {"amount": 20000, "months": 24}}
    answer = (await client.post("/v1/products/education-loan/rating", json=body)).json()
    assert answer["premium"] is None
    assert answer["repayment"]["payment"] == {"amount": "908.20", "currency": "CNY"}
    assert answer["repayment"]["upfront_fee"]["amount"] == "200.00"
    assert answer["repayment"]["apr"] == "0.094002"  # the loan says 8.4 %, the fee at payout makes it 9.4


async def test_a_fund_is_rated_by_its_charges(client: httpx.AsyncClient) -> None:
    body = {"inputs": {"amount": 10000, "holding_days": 365}}
    answer = (await client.post("/v1/products/balanced-fund/rating", json=body)).json()
    assert (answer["premium"], answer["charges"]["total"]["amount"]) == (None, "310.34")
    assert answer["charges"]["minimum_purchase"] == {"amount": "10.00", "currency": "CNY"}


async def test_eligibility_says_verdict_codes_and_texts(client: httpx.AsyncClient) -> None:
    body = {"facts": {"birth_date": "2010-01-01", "region": "CN-SH", "occupation": "miner"}, "locale": "en"}
    answer = (await client.post("/v1/products/accident-standard/eligibility", json=body)).json()
    assert (answer["verdict"], answer["age"]) == ("ineligible", 16)
    assert answer["reason_codes"] == ["age_below_minimum", "occupation_excluded"]
    assert answer["reasons"] == ["Younger than this product allows", "Your occupation is not covered"]


async def test_scopes_are_checked(client: httpx.AsyncClient, internal_headers: Callable[..., dict[str, str]]) -> None:
    client.headers.update(internal_headers("offers:read"))
    response = await client.get("/v1/products")
    assert (response.status_code, response.json()["scope"]) == (403, "products:read")


async def test_disclosures_are_texts_in_the_readers_language(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/v1/disclosures", params={"locale": "en"})).json()
    texts = {each["code"]: each["text"] for each in answer["data"]}
    assert "What anybody earns from a sale takes no part in the ranking" in texts["ranking"]
