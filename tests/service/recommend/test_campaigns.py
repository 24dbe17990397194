"""Campaigns: what may be defined, who is shown which, and the trace of every choice."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.service.recommend.conftest import MARKETING, caught_up


def campaign(**more):
    return {"status": "live", "headline": {"zh-CN": "标题", "en": "Headline"}, "body": {"en": "Body"}} | more


async def put(client, campaign_id, **more):
    answer = await client.put(f"/v1/campaigns/{campaign_id}", json=campaign(**more))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def choose(client, user_id="u1", person=None, **more):
    body = {"user_id": user_id, "person": person or MARKETING, "surface": "home", "locale": "en"} | more
    answer = await client.post("/v1/campaign", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def outcomes(answer):
    return [(each["campaign_id"], each["outcome"], each["reason"], each["detail"]) for each in answer["trace"]]


async def test_a_campaign_is_shown_in_the_persons_language(client):
    await put(client, "spring")
    answer = await choose(client, locale="zh-CN")
    assert answer["campaign"] == {"campaign_id": "spring", "headline": "标题", "body": "Body", "coupon": None}
    assert (answer["reason"], outcomes(answer)) == (None, [("spring", "shown", "first_in_order", None)])


@pytest.mark.parametrize("person", [None, {"known": True}, {"known": True, "consents": {"marketing": False}}])
async def test_without_consent_nothing_is_shown_and_the_consent_is_named(client, person):
    await put(client, "spring")
    await put(client, "draft", status="draft")
    answer = (await client.post("/v1/campaign", json={"user_id": "u1", "person": person})).json()
    assert (answer["campaign"], answer["reason"]) == (None, "consent_required")
    assert outcomes(answer) == [
        ("draft", "not_shown", "consent_required", "marketing"),
        ("spring", "not_shown", "consent_required", "marketing"),
    ]


async def test_the_trace_gives_the_reason_for_every_campaign_not_shown(client):
    await put(client, "a-draft", status="draft")
    await put(client, "b-over", ends_at="2020-01-01T00:00:00Z")
    await put(client, "c-later", starts_at="2999-01-01T00:00:00Z")
    await put(client, "d-elsewhere", surfaces=["checkout"])
    await put(client, "e-others", eligibility={"fact": "segment", "op": "eq", "value": "active"}, priority=9)
    await put(client, "f-unknown", eligibility={"fact": "facts.region", "op": "eq", "value": "SH"})
    await put(client, "g-regulated", regulated=True, suitability_for="insurance")
    await put(client, "h-shown", priority=1)
    await put(client, "i-also")
    answer = await choose(client, person=MARKETING | {"segment": "inactive"})
    assert answer["campaign"]["campaign_id"] == "h-shown"
    assert outcomes(answer) == [
        ("e-others", "not_shown", "not_eligible", "eligibility"),
        ("h-shown", "shown", "first_in_order", None),
        ("a-draft", "not_shown", "not_live", "draft"),
        ("b-over", "not_shown", "ended", "2020-01-01T00:00:00+00:00"),
        ("c-later", "not_shown", "not_started", "2999-01-01T00:00:00+00:00"),
        ("d-elsewhere", "not_shown", "other_surface", "home"),
        ("f-unknown", "not_shown", "fact_unknown", "eligibility"),
        ("g-regulated", "not_shown", "suitability_required", "insurance"),
        ("i-also", "not_shown", "outranked", "h-shown"),
    ]


async def test_none_eligible_is_said(client):
    await put(client, "draft", status="draft")
    answer = await choose(client)
    assert (answer["campaign"], answer["reason"]) == (None, "none_eligible")


async def test_a_regulated_campaign_waits_for_an_unexpired_suitable_verdict_from_the_stream(client, insurance):
    await put(client, "cover", regulated=True, suitability_for="insurance")
    assert outcomes(await choose(client))[0][2] == "suitability_required"
    soon = datetime.now(UTC) + timedelta(days=30)
    past = datetime.now(UTC) - timedelta(seconds=1)
    for verdict, expires_at, reason in (
        ("advise_against", soon, "unsuitable"),
        ("suitable", past, "suitability_expired"),
        ("suitable", soon, "first_in_order"),
    ):
        verdicts = {"insurance": {"verdict": verdict, "reasons": []}, "loan": {"verdict": "suitable"}}
        data = {"user_id": "u1", "verdicts": verdicts, "expires_at": expires_at.isoformat()}
        await insurance.tell("suitability.recorded", "u1", data)
        await caught_up(client)
        assert outcomes(await choose(client))[0][2] == reason
    assert outcomes(await choose(client, "u2"))[0][2] == "suitability_required"


async def test_an_older_verdict_that_comes_late_does_not_replace_a_newer_one(client, insurance):
    await put(client, "cover", regulated=True, suitability_for="insurance")
    now = datetime.now(UTC)
    for age_s, verdict in ((0, "not_suitable"), (60, "suitable")):
        data = {
            "user_id": "u1",
            "verdicts": {"insurance": verdict},
            "expires_at": (now + timedelta(days=1)).isoformat(),
        }
        await insurance.tell("suitability.recorded", "u1", data, occurred_at=now - timedelta(seconds=age_s))
    await caught_up(client)
    assert outcomes(await choose(client))[0][2] == "unsuitable"


async def test_a_replaced_definition_counts_at_once(client):
    await put(client, "spring")
    await put(client, "spring", status="paused")
    assert outcomes(await choose(client)) == [("spring", "not_shown", "not_live", "paused")]
    assert (await client.get("/v1/campaigns/spring")).json()["status"] == "paused"


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"eligibility": {"all": [{"any": []}]}}, "eligibility.all.0.any", "rule_list_required"),
        (
            {
                "eligibility": {
                    "all": [
                        {"fact": "segment", "op": "eq", "value": "active"},
                        {"fact": "age", "op": "is", "value": 3},
                    ]
                }
            },
            "eligibility.all.1.op",
            "operator_unknown",
        ),
        (
            {"eligibility": {"not": {"fact": "shoe_size", "op": "eq", "value": 3}}},
            "eligibility.not.fact",
            "fact_unknown",
        ),
        ({"eligibility": {"fact": "age", "op": "in", "value": 3}}, "eligibility.value", "value_not_a_list"),
        ({"headline": {}}, "headline", "too_short"),
        ({"headline": {"fr": "Titre"}}, "headline.fr.[key]", "literal_error"),
        ({"regulated": True}, "suitability_for", "value_error"),
        ({"suitability_for": "loan"}, "suitability_for", "value_error"),
        ({"starts_at": "2026-02-01T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"}, "ends_at", "value_error"),
        ({"priority": -1}, "priority", "greater_than_equal"),
        ({"budget": 5}, "budget", "extra_forbidden"),
    ],
)
async def test_a_definition_at_fault_is_named(client, change, param, code):
    answer = await client.put("/v1/campaigns/x", json=campaign(**change))
    problem = answer.json()
    assert (answer.status_code, problem["param"], problem["errors"][0]["code"]) == (422, param, code)
    assert (await client.get("/v1/campaigns/x")).status_code == 404


async def test_a_rule_nested_without_end_is_refused(client):
    rule = {"fact": "age", "op": "gte", "value": 18}
    for _ in range(400):
        rule = {"not": rule}
    answer = await client.put("/v1/campaigns/x", json=campaign(eligibility=rule))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "rule_too_deep")


async def test_campaigns_are_listed_in_pages_and_belong_to_their_tenant(client, internal_headers):
    for name in ("c", "a", "b"):
        await put(client, name)
    page = (await client.get("/v1/campaigns", params={"limit": 2})).json()
    assert [each["campaign_id"] for each in page["data"]] == ["a", "b"]
    rest = (await client.get("/v1/campaigns", params={"cursor": page["next_cursor"]})).json()
    assert ([each["campaign_id"] for each in rest["data"]], rest["has_more"]) == (["c"], False)
    other = internal_headers("campaigns:read", "recommend:read", tenant="other")
    assert (await client.get("/v1/campaigns", headers=other)).json()["data"] == []
    assert (await client.get("/v1/campaigns/a", headers=other)).status_code == 404
    answer = await client.post("/v1/campaign", headers=other, json={"user_id": "u1", "person": MARKETING})
    assert (answer.json()["campaign"], answer.json()["trace"]) == (None, [])
