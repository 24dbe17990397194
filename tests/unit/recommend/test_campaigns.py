from datetime import UTC, datetime, timedelta

import pytest

from services.recommend.campaigns import Campaign, Situation, Verdict, age_on, choose, known_facts
from services.recommend.eligibility import parse_rule

NOW = datetime(2026, 5, 17, 12, tzinfo=UTC)


def campaign(campaign_id="c", **more):
    fields = {"status": "live", "priority": 0, "categories": (), "surfaces": frozenset()} | more
    return Campaign(campaign_id=campaign_id, headline={"en": "H"}, body={"en": "B"}, **fields)


def situation(**more):
    fields = {"marketing_consent": True, "facts": {}.get, "interests": {}, "topics": (), "surface": "home"} | more
    return Situation(now=NOW, verdicts=more.pop("verdicts", {}), **{k: v for k, v in fields.items() if k != "verdicts"})


def reasons(choice):
    return [(each.campaign_id, each.reason, each.detail) for each in choice.trace]


def test_the_higher_priority_wins_then_what_was_asked_for_then_interest_then_the_smaller_id():
    told = [
        campaign("d"),
        campaign("c"),
        campaign("b", categories=("finance",)),
        campaign("a", categories=("health",), priority=0),
        campaign("top", priority=5),
    ]
    choice = choose(told, situation(interests={"finance": 0.6}, topics=("health",)))
    assert [each.campaign_id for each in choice.trace] == ["top", "a", "b", "c", "d"]
    assert choice.campaign.campaign_id == "top"
    assert reasons(choice)[1:] == [(each, "outranked", "top") for each in "abcd"]


def test_the_order_of_definition_changes_nothing():
    told = [campaign(name, priority=n % 2) for n, name in enumerate("hgfedcba")]
    assert choose(told, situation()) == choose(list(reversed(told)), situation())


def test_without_consent_every_campaign_waits_for_it():
    choice = choose([campaign("a"), campaign("b", status="draft")], situation(marketing_consent=False))
    assert (choice.campaign, choice.reason) == (None, "consent_required")
    assert {each.reason for each in choice.trace} == {"consent_required"}


def test_no_campaign_at_all_is_none_eligible():
    assert (choose([], situation()).reason, choose([], situation()).trace) == ("none_eligible", ())


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"status": "paused"}, "not_live"),
        ({"starts_at": NOW + timedelta(seconds=1)}, "not_started"),
        ({"starts_at": NOW}, "first_in_order"),
        ({"ends_at": NOW}, "ended"),
        ({"ends_at": NOW + timedelta(seconds=1)}, "first_in_order"),
        ({"surfaces": frozenset({"checkout"})}, "other_surface"),
        ({"surfaces": frozenset({"home", "checkout"})}, "first_in_order"),
        ({"rule": parse_rule({"fact": "age", "op": "gte", "value": 65})}, "not_eligible"),
        ({"rule": parse_rule({"fact": "age", "op": "gte", "value": 18})}, "first_in_order"),
        ({"rule": parse_rule({"fact": "segment", "op": "ne", "value": "x"})}, "fact_unknown"),
    ],
)
def test_each_gate_has_its_reason(more, reason):
    assert reasons(choose([campaign(**more)], situation(facts={"age": 36}.get)))[0][1] == reason


@pytest.mark.parametrize(
    ("verdicts", "reason"),
    [
        ({}, "suitability_required"),
        ({"loan": Verdict("suitable", NOW + timedelta(days=1))}, "suitability_required"),
        ({"insurance": Verdict("suitable", NOW)}, "suitability_expired"),
        ({"insurance": Verdict("advise_against", NOW + timedelta(days=1))}, "unsuitable"),
        ({"insurance": Verdict("suitable", NOW + timedelta(days=1))}, "first_in_order"),
    ],
)
def test_a_regulated_campaign_needs_an_unexpired_suitable_verdict(verdicts, reason):
    regulated = campaign(suitability_for="insurance")
    assert reasons(choose([regulated], situation(verdicts=verdicts)))[0][1] == reason


def test_facts_are_read_by_their_dotted_names():
    person = {
        "known": True,
        "segment": "active",
        "traits": {"likes_finance": True},
        "interests": {"finance": 0.4},
        "consents": {"marketing": True},
        "facts": {"birth_date": "1990-05-18", "region": None},
        "features": {"recency_days": 3.0},
    }
    fact = known_facts(person, {"surface": "home", "intent.label": "insurance.buy"}, NOW)
    names = ("segment", "known", "traits.likes_finance", "interests.finance", "features.recency_days", "surface")
    assert [fact(name) for name in names] == ["active", True, True, 0.4, 3.0, "home"]
    assert (fact("intent.label"), fact("age"), fact("consents.marketing")) == ("insurance.buy", 35, True)
    assert (fact("facts.region"), fact("traits.likes_travel"), fact("intent.topics")) == (None, None, None)


def test_an_interest_that_a_known_person_did_not_show_is_zero_and_that_of_a_stranger_is_not_known():
    assert known_facts({"known": True, "interests": {}}, {}, NOW)("interests.travel") == 0.0
    assert known_facts({"known": False, "interests": {}}, {}, NOW)("interests.travel") is None


@pytest.mark.parametrize(
    ("facts", "age"),
    [
        ({"birth_date": "1990-05-17"}, 36),
        ({"birth_date": "1990-05-18"}, 35),
        ({"birth_date": "1990-05-18", "timezone": "Pacific/Kiritimati"}, 36),
        ({"birth_date": "1990-05-18", "timezone": "Nowhere/Land"}, 35),
        ({"birth_date": "2000-02-29"}, 26),
        ({"birth_date": "not a date"}, None),
        ({"birth_date": None}, None),
        ({}, None),
        (None, None),
    ],
)
def test_age_counts_completed_years_where_the_person_lives(facts, age):
    assert age_on(facts, NOW) == age
