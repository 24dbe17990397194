"""Offers: the gates in their order, what fits, what does not, and why."""

from typing import Any

import httpx


def ids(answer: dict[str, Any]) -> list[str]:
    return [offer["product_id"] for offer in answer["offers"]]


def refused(answer: dict[str, Any], product_id: str) -> dict[str, Any]:
    [found] = [each for each in answer["not_offered"] if each["product_id"] == product_id]
    return found


async def test_without_consent_nothing_is_offered_and_the_way_to_consent_is_shown(record: Any, ask: Any) -> None:
    await record("u1")
    answer = await ask("u1", consents={"finance": False, "health": True})
    assert (answer["offers"], answer["reason"], answer["considered"]) == ([], "consent_required", 0)
    assert answer["links"] == [{"rel": "consent", "href": "/v1/consents", "method": "POST"}]


async def test_an_unknown_person_needs_consent_first(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/offers", json={"user_id": "nobody", "person": None})
    assert (response.status_code, response.json()["reason"]) == (200, "consent_required")


async def test_consent_comes_before_suitability(ask: Any) -> None:
    assert (await ask("u1", consents={}))["reason"] == "consent_required"


async def test_without_a_record_the_questions_are_asked(ask: Any) -> None:
    answer = await ask("u1")
    assert (answer["offers"], answer["reason"]) == ([], "suitability_required")
    assert answer["links"][0] == {"rel": "suitability", "href": "/v1/suitability", "method": "POST"}


async def test_an_expired_record_counts_as_none(record: Any, ask: Any, clock: Any) -> None:
    await record("u1")
    clock.forward(days=364)
    assert (await ask("u1"))["reason"] is None
    clock.forward(days=1)
    assert (await ask("u1"))["reason"] == "suitability_required"


async def test_what_was_asked_for_comes_first_with_its_price_and_reasons(record: Any, ask: Any) -> None:
    await record("u1")
    answer = await ask("u1", topics=["critical-illness"])
    first = answer["offers"][0]
    assert first["product_id"] == "critical-illness-standard"
    # 300 units of 8.00, age 34: 1.00, female: 0.92, no smoker, 20 years: 1.00, size: 0.97.
    assert first["indicative_premium"] == {"amount": "2141.76", "currency": "CNY"}
    assert first["premium_period"] == "year"
    assert first["suitability"] == {"verdict": "suitable", "reason_codes": [], "reasons": []}
    assert first["reason_codes"] == [
        "asked_for:critical-illness",
        "need:serious_illness",
        "life:dependants",
        "affordable",
    ]
    assert "Sum insured (CNY): 300000" in first["assumptions"]
    assert first["illustrative"] is True
    assert answer["disclosures"] == ["ranking", "licensed-handoff", "indicative-prices", "illustrative-products"]


async def test_only_needs_that_were_named_are_met(record: Any, ask: Any) -> None:
    await record("u1", needs=["accident"])
    assert ids(await ask("u1")) == ["accident-standard"]


async def test_the_same_question_has_the_same_answer(record: Any, ask: Any) -> None:
    await record("u1")
    assert await ask("u1", topics=["accident"]) == await ask("u1", topics=["accident"])


async def test_a_missing_birth_date_is_said_and_nothing_is_guessed(record: Any, ask: Any) -> None:
    await record("u1")
    answer = await ask("u1", facts={"birth_date": None})
    assert (answer["offers"], answer["reason"]) == ([], "none_suitable")
    assert answer["missing_facts"] == ["birth_date"]
    assert answer["links"] == [{"rel": "identify", "href": "/v1/identify", "method": "POST"}]


async def test_a_known_mismatch_is_said_and_the_advice_is_to_stop(record: Any, ask: Any) -> None:
    await record("u1", risk_tolerance="preserve", needs=["grow_savings"])
    answer = await ask("u1", topics=["fund"], label="invest.advice")
    assert ids(answer) == ["money-market-fund"]
    mismatch = refused(answer, "balanced-fund")
    assert (mismatch["stage"], mismatch["verdict"]) == ("suitability", "not_suitable")
    assert mismatch["reason_codes"] == ["risk_above_tolerance"]
    assert mismatch["advice"].endswith("We advise you to stop.")


async def test_a_claim_is_no_demand(record: Any, ask: Any) -> None:
    await record("u1", needs=["travel"])
    assert ids(await ask("u1", topics=["critical-illness"], label="insurance.claim")) == ["travel-trip"]


async def test_medical_cover_is_not_sold_twice(record: Any, ask: Any) -> None:
    await record("u1", needs=["medical_costs"], existing_cover=["medical"])
    answer = await ask("u1", explain=True)
    assert (answer["offers"], answer["reason"]) == ([], "none_suitable")
    assert refused(answer, "medical-standard")["reason_codes"] == ["already_covered"]


async def test_a_premium_above_the_share_of_income_is_not_offered(record: Any, ask: Any) -> None:
    # 500 a month from 60 costs 5 x 1780 x 0.88 x 1.06 = 8302.59... a year: over 20 % of 30,000.
    await record("u1", needs=["retirement"], income_band="low", yearly_budget="over_10000", horizon="over_10")
    answer = await ask("u1", explain=True)
    assert refused(answer, "retirement-annuity")["reason_codes"] == ["premium_above_cap"]


async def test_everything_looked_at_is_explained_on_request(record: Any, ask: Any) -> None:
    await record("u1", needs=["accident"])
    answer = await ask("u1", explain=True)
    assert answer["considered"] == 13
    assert len(answer["offers"]) + len(answer["not_offered"]) == 13
    senior = refused(answer, "accident-senior")
    assert (senior["stage"], senior["reason_codes"]) == ("eligibility", ["age_below_minimum"])


async def test_health_consent_is_named_as_needed_for_a_quote(record: Any, ask: Any) -> None:
    await record("u1", needs=["serious_illness"])
    [offer] = (await ask("u1", consents={"finance": True}))["offers"]
    assert offer["missing_consents"] == ["health"]


async def test_an_excluded_region_is_not_served(record: Any, ask: Any) -> None:
    await record("u1", needs=["accident"])
    answer = await ask("u1", facts={"region": "CN-HK"}, topics=["accident"])
    assert answer["reason"] == "none_suitable"
    assert refused(answer, "accident-standard")["reason_codes"] == ["region_not_served"]


async def test_a_dangerous_occupation_costs_more_and_an_excluded_one_is_refused(record: Any, ask: Any) -> None:
    await record("u1", needs=["accident"])
    [driver] = (await ask("u1", facts={"occupation": "driver"}))["offers"]
    # 300 x 0.56 x 1.00 x 1.80 x 0.95 x 1.06
    assert driver["indicative_premium"]["amount"] == "304.52"
    assert (await ask("u1", facts={"occupation": "miner"}))["reason"] == "none_suitable"


SENIOR = {"birth_date": "1958-03-01", "occupation": "retired"}


class TestFrom65:
    async def test_answers_given_as_a_younger_person_do_not_count(self, record: Any, ask: Any) -> None:
        await record("u1", age_band="18_64")
        assert (await ask("u1", facts=SENIOR))["reason"] == "suitability_required"

    async def test_accompanied_there_is_an_offer_with_the_disclosure(self, record: Any, ask: Any) -> None:
        await record("u1", age_band="65_plus", accompanied=True, needs=["accident"])
        answer = await ask("u1", facts=SENIOR)
        assert ids(answer) == ["accident-senior"]
        assert "senior-protection" in answer["disclosures"]

    async def test_alone_nothing_is_offered(self, record: Any, ask: Any) -> None:
        await record("u1", age_band="65_plus", accompanied=False, needs=["accident"])
        answer = await ask("u1", facts=SENIOR, topics=["accident"])
        assert answer["reason"] == "none_suitable"
        assert refused(answer, "accident-senior")["reason_codes"] == ["senior_unaccompanied"]

    async def test_the_premium_cap_is_halved(self, record: Any) -> None:
        senior = await record("u1", age_band="65_plus", accompanied=True)
        younger = await record("u2")
        assert (senior["premium_share_cap"], younger["premium_share_cap"]) == ("0.10", "0.20")

    async def test_risk_is_capped_whatever_is_accepted(self, record: Any) -> None:
        bold = {"risk_tolerance": "aggressive", "loss_reaction": "buy_more", "horizon": "over_10"}
        senior = await record("u1", age_band="65_plus", accompanied=True, **bold)
        younger = await record("u2", **bold)
        assert (senior["risk_level"], younger["risk_level"]) == (2, 5)


async def test_credit_shows_its_yearly_rate_and_the_warning(record: Any, ask: Any) -> None:
    await record("u1", needs=["spread_cost"])
    answer = await ask("u1")
    assert ids(answer) == ["course-instalment", "education-loan"]
    instalment = answer["offers"][0]
    assert instalment["indicative_premium"] is None
    # 3000 / 12 + 0.5 % of 3000 = 265.00 a month, 12 times; a flat 6 % a year is 10.9 % by the actuarial method.
    assert instalment["repayment"]["payment"]["amount"] == "265.00"
    assert instalment["repayment"]["apr"] == "0.108964"
    assert "borrow-carefully" in answer["disclosures"]


async def test_funds_have_no_premium_but_a_least_purchase(record: Any, ask: Any) -> None:
    await record("u1", needs=["grow_savings"])
    [balanced, money_market] = (await ask("u1"))["offers"]
    assert [balanced["product_id"], money_market["product_id"]] == ["balanced-fund", "money-market-fund"]
    assert balanced["indicative_premium"] is None
    assert balanced["minimum_purchase"] == {"amount": "10.00", "currency": "CNY"}


async def test_records_of_one_tenant_open_no_gate_in_another(
    client: httpx.AsyncClient, record: Any, ask: Any, internal_headers: Any
) -> None:
    await record("u1")
    assert (await ask("u1"))["reason"] is None
    client.headers.update(internal_headers("offers:read", tenant="other"))
    assert (await ask("u1"))["reason"] == "suitability_required"


async def test_a_person_may_only_ask_for_themselves(client: httpx.AsyncClient, internal_headers: Any) -> None:
    client.headers.update(internal_headers("offers:read", subject="u2", kind="person"))
    response = await client.post("/v1/offers", json={"user_id": "u1"})
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")


async def test_chinese_is_the_default_language(client: httpx.AsyncClient) -> None:
    answer = (await client.post("/v1/offers", json={"user_id": "u1"})).json()
    assert answer["reason_text"] == "需要您同意将个人信息用于金融与保险服务"
