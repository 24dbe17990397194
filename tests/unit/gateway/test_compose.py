"""The composed call over fakes: every status of every section, and what each back end is told."""

import asyncio
import time

import pytest

from services.gateway.answer import Explained, RequiredSectionMissing, answer_of
from services.gateway.schemas import SECTIONS, RecommendRequest
from services.insurance.schemas import Offers
from services.kit.http import BackendInvalid, BackendRefused
from services.kit.identity import Caller
from services.recommend.schemas import CampaignAnswer

QUESTION = RecommendRequest(user_id="u1", message="m")


def statuses(composed):
    return {name: getattr(composed, name).status for name in SECTIONS}


def reasons(composed):
    return {name: section.reason for name, section in Explained.of(composed).each()}


def answer(composed):
    return answer_of(composed, Explained.of(composed), QUESTION, "req_1")


def failing(error):
    async def fail():
        raise error

    return fail


async def test_all_sections_are_ok_when_all_back_ends_answer(edge):
    composed = await edge.ask()
    assert statuses(composed) == dict.fromkeys(SECTIONS, "ok")
    assert Explained.of(composed).complete
    assert answer(composed).disclosures == ["ranking", "licensed-handoff"]
    assert answer(composed).content[0].item_id == "c1"
    assert answer(composed).insurance[0].indicative_premium.amount == 128
    assert answer(composed).decision_id.startswith("dec_")


async def test_the_second_stage_is_told_what_the_first_found_out(edge):
    await edge.ask(item_id="i9", surface="home", limit={"content": 7, "insurance": 2})
    content, offers, campaign = (edge.fakes.asked[name][0] for name in ("content", "insurance", "campaign"))
    assert (content.person.segment, content.person.interests) == ("active", {"finance": 0.4})
    assert (content.item_id, content.surface, content.limit) == ("i9", "home", 7)
    assert (offers.person.facts["birth_date"], offers.person.consent_version) == ("1992-05-17", 3)
    assert (offers.intent.label, offers.intent.topics, offers.limit) == ("insurance.buy", ["critical-illness"], 2)
    assert campaign.intent.label == "insurance.buy"


async def test_both_stages_run_in_parallel(edge):
    async def slow():
        await asyncio.sleep(0.05)

    edge.fakes.behave = dict.fromkeys(("profile", "intent", "content", "campaign", "insurance"), slow)
    started = time.monotonic()
    composed = await edge.ask()
    assert statuses(composed) == dict.fromkeys(SECTIONS, "ok")
    assert time.monotonic() - started < 0.15  # two times 0.05, not five times


async def test_the_first_stage_may_spend_150_of_400_ms(edge):
    await edge.ask()
    assert edge.fakes.deadlines["profile"] == pytest.approx(0.146, abs=0.008)
    assert edge.fakes.deadlines["content"] == pytest.approx(0.385, abs=0.012)


async def test_a_short_deadline_is_split_in_proportion(edge):
    await edge.ask(deadline_ms=80)
    assert edge.fakes.deadlines["profile"] == pytest.approx(0.026, abs=0.006)
    assert edge.fakes.deadlines["content"] == pytest.approx(0.068, abs=0.008)


async def test_a_long_deadline_is_bounded(edge):
    await edge.ask(deadline_ms=60_000)
    assert edge.fakes.deadlines["content"] == pytest.approx(1.99, abs=0.02)


@pytest.mark.parametrize("silent", SECTIONS)
async def test_a_silent_back_end_is_a_timeout_within_the_deadline(edge, behaviours, silent):
    edge.fakes.behave |= {silent: behaviours["hang"], "popular": behaviours["refuse"]}
    started = time.monotonic()
    composed = await edge.ask(deadline_ms=200)
    assert time.monotonic() - started < 0.2
    assert statuses(composed) == dict.fromkeys(SECTIONS, "ok") | {silent: "timeout"}
    assert getattr(composed, silent).reason == "deadline_exceeded"
    assert not Explained.of(composed).complete


@pytest.mark.parametrize("dead", ["profile", "intent", "campaign", "insurance", "content"])
async def test_a_dead_back_end_without_memory_is_an_error(edge, behaviours, dead):
    edge.fakes.behave |= {dead: behaviours["refuse"], "popular": behaviours["refuse"]}
    composed = await edge.ask()
    assert statuses(composed) == dict.fromkeys(SECTIONS, "ok") | {dead: "error"}
    assert getattr(composed, dead).reason == "backend_unavailable"


async def test_the_shape_stays_when_everything_is_dead(edge, behaviours):
    edge.fakes.behave = dict.fromkeys((*SECTIONS, "popular"), behaviours["refuse"])
    composed = await edge.ask()
    body = answer(composed).model_dump()
    assert (body["profile"], body["intent"], body["campaign"]) == (None, None, None)
    assert (body["content"], body["insurance"], body["disclosures"], body["experiments"]) == ([], [], [], [])
    assert set(body["sections"]) == set(SECTIONS)


async def test_an_answer_of_the_wrong_shape_is_an_error(edge):
    edge.fakes.behave["campaign"] = failing(BackendInvalid("recommend", "1 fields are not as agreed"))
    composed = await edge.ask()
    assert (composed.campaign.status, composed.campaign.reason) == ("error", "invalid_answer")


async def test_two_results_for_one_text_are_an_error(edge):
    edge.fakes.results = 2
    composed = await edge.ask()
    assert (composed.intent.status, composed.intent.reason) == ("error", "invalid_answer")


async def test_a_back_end_with_too_much_to_do_is_shed(edge):
    edge.fakes.behave["intent"] = failing(BackendRefused("intent", 429, "queue_full", ""))
    composed = await edge.ask()
    assert (composed.intent.status, composed.intent.reason) == ("shed", "queue_full")


async def test_a_back_end_that_ran_out_of_time_is_a_timeout(edge):
    edge.fakes.behave["intent"] = failing(BackendRefused("intent", 504, "deadline_exceeded", ""))
    composed = await edge.ask()
    assert (composed.intent.status, composed.intent.reason) == ("timeout", "deadline_exceeded")


async def test_content_repeats_the_last_good_answer_and_tells_its_age(edge, behaviours):
    await edge.ask()
    edge.fakes.behave["content"] = behaviours["refuse"]
    edge.clock.now += 12
    composed = await edge.ask()
    assert (composed.content.status, composed.content.age_ms) == ("stale", 12_000)
    assert composed.content.reason == "backend_unavailable"
    assert answer(composed).content[0].item_id == "c1"


@pytest.mark.parametrize(
    "change",
    [
        {"user_id": "u2"},
        {"locale": "en"},
        {"item_id": "i1"},
        {"surface": "home"},
        {"limit": {"content": 3}},
        {"personalise": False},
        {"caller": Caller("t2", "key-1", "server", frozenset({"recommend:read"}))},
        {"caller": Caller("t1", "key-2", "server", frozenset({"recommend:read"}))},
        {"caller": Caller("t1", "key-1", "server", frozenset({"recommend:read", "offers:read"}))},
    ],
)
async def test_nobody_is_answered_with_what_was_meant_for_another_question(edge, behaviours, change):
    await edge.ask(sections=["content"], caller=Caller("t1", "key-1", "server", frozenset({"recommend:read"})))
    edge.composer.popular._lists._answers.clear()
    edge.fakes.behave = {"content": behaviours["refuse"], "popular": behaviours["refuse"]}
    asked = {"sections": ["content"], "caller": Caller("t1", "key-1", "server", frozenset({"recommend:read"}))} | change
    composed = await edge.ask(**asked)
    assert composed.content.status == "error"


async def test_another_consent_version_is_another_question(edge, behaviours):
    await edge.ask()
    edge.fakes.know(consent_version=4)
    edge.fakes.behave["insurance"] = behaviours["refuse"]
    composed = await edge.ask()
    assert composed.insurance.status == "error"


async def test_stale_offers_carry_no_price(edge, behaviours):
    await edge.ask()
    edge.fakes.behave["insurance"] = behaviours["refuse"]
    composed = await edge.ask()
    repeated = answer(composed).insurance[0]
    assert composed.insurance.status == "stale"
    assert (repeated.product_id, repeated.indicative_premium, repeated.premium_period) == (
        "critical-illness-a",
        None,
        None,
    )
    assert composed.insurance.value.offers[0].indicative_premium is not None  # the memory itself is untouched


async def test_a_campaign_is_never_repeated_from_memory(edge, behaviours):
    await edge.ask()
    edge.fakes.behave["campaign"] = behaviours["refuse"]
    composed = await edge.ask()
    assert (composed.campaign.status, answer(composed).campaign) == ("error", None)


async def test_a_refusal_is_not_papered_over_with_an_older_answer(edge):
    await edge.ask()
    edge.fakes.behave["insurance"] = failing(BackendRefused("insurance", 403, "forbidden", ""))
    composed = await edge.ask()
    assert (composed.insurance.status, composed.insurance.reason) == ("error", "forbidden")


async def test_content_falls_back_to_what_is_popular(edge, behaviours):
    await edge.ask(user_id="someone-else")
    await asyncio.sleep(0)  # the popular list is read in the background
    edge.fakes.behave["content"] = behaviours["refuse"]
    edge.clock.now += 5
    composed = await edge.ask(item_id="p1", limit={"content": 1})
    assert (composed.content.status, composed.content.age_ms) == ("fallback", 5000)
    assert [each.item_id for each in answer(composed).content] == ["p2"]  # not the item they look at


async def test_a_popular_list_of_one_tenant_is_not_shown_to_another(edge, behaviours):
    await edge.ask()
    await asyncio.sleep(0)
    edge.fakes.behave = {"content": behaviours["refuse"], "popular": behaviours["refuse"]}
    composed = await edge.ask(caller=Caller("t2", "key-1", "server", frozenset({"recommend:read"})))
    assert composed.content.status == "error"


async def test_a_full_bulkhead_sheds(edge, behaviours):
    edge.composer.gates.campaign._bulkhead._limit = 1
    edge.fakes.behave["campaign"] = behaviours["hang"]
    waiting = asyncio.create_task(edge.ask(user_id="first", deadline_ms=300))
    await asyncio.sleep(0.02)
    composed = await edge.ask()
    assert (composed.campaign.status, composed.campaign.reason) == ("shed", "bulkhead_full")
    await waiting


async def test_an_open_breaker_answers_at_once(edge, behaviours):
    edge.fakes.behave["intent"] = behaviours["hang"]
    for number in range(3):
        await edge.ask(message=f"m{number}", deadline_ms=200)
    started = time.monotonic()
    composed = await edge.ask()
    assert time.monotonic() - started < 0.02
    assert (composed.intent.status, composed.intent.reason) == ("error", "circuit_open")
    assert len(edge.fakes.asked["intent"]) == 3


async def test_tiny_deadlines_of_one_caller_do_not_open_the_breaker_for_all(edge, behaviours):
    edge.fakes.behave["intent"] = behaviours["hang"]
    for number in range(10):
        await edge.ask(message=f"m{number}", deadline_ms=10)
    edge.fakes.behave["intent"] = behaviours["at_once"]
    composed = await edge.ask()
    assert composed.intent.status == "ok"


async def test_without_a_message_intent_is_skipped(edge):
    composed = await edge.ask(message=None)
    assert (composed.intent.status, composed.intent.reason) == ("skipped", "no_message")
    assert "intent" not in edge.fakes.asked
    assert Explained.of(composed).complete


async def test_sections_that_were_not_asked_for_are_skipped(edge):
    composed = await edge.ask(sections=["intent"])
    expected = dict.fromkeys(SECTIONS, "skipped") | {"intent": "ok"}
    assert statuses(composed) == expected
    assert reasons(composed) == dict.fromkeys(SECTIONS, "not_requested") | {"intent": None}
    assert set(edge.fakes.asked) <= {"intent", "popular"}


async def test_the_profile_is_used_for_others_without_being_shown(edge):
    composed = await edge.ask(sections=["content"], message=None)
    assert (composed.profile.status, composed.profile.reason) == ("skipped", "not_requested")
    assert answer(composed).profile is None
    assert edge.fakes.asked["content"][0].person.segment == "active"


async def test_what_the_credential_may_not_read_is_skipped(edge):
    caller = Caller("t1", "key-1", "server", frozenset({"recommend:read"}))
    composed = await edge.ask(caller=caller)
    skipped = {"profile": "skipped", "intent": "skipped", "insurance": "skipped"}
    assert statuses(composed) == {"content": "ok", "campaign": "ok"} | skipped
    assert reasons(composed)["insurance"] == "scope_missing"
    assert answer(composed).profile is None


async def test_an_unknown_item_is_said(edge):
    edge.fakes.notices = ["unknown_item"]
    composed = await edge.ask(item_id="nope")
    assert composed.content.status == "ok"
    assert reasons(composed)["content"] == "unknown_item"
    assert Explained.of(composed).complete


@pytest.mark.parametrize("reason", ["consent_required", "suitability_required", "none_suitable"])
async def test_missing_consent_or_suitability_is_ok_and_empty_with_a_link(edge, reason):
    links = [{"rel": "missing", "href": "/v1/somewhere", "method": "POST"}]
    edge.fakes.offers_answer = Offers.model_validate(
        {"offers": [], "reason": reason, "links": links, "disclosures": [], "considered": 0}
    )
    composed = await edge.ask()
    report = answer(composed).sections.insurance
    assert (report.status, report.reason, [link.href for link in report.links]) == ("ok", reason, ["/v1/somewhere"])
    assert answer(composed).insurance == []


async def test_a_campaign_without_consent_says_where_to_give_it(edge):
    edge.fakes.campaign_answer = CampaignAnswer(campaign=None, reason="consent_required", trace=[])
    report = answer(await edge.ask()).sections.campaign
    assert (report.status, report.reason) == ("ok", "consent_required")
    assert [link.href for link in report.links] == ["/v1/consents"]


async def test_nobody_is_asked_for_a_consent_that_is_only_unknown_just_now(edge, behaviours):
    links = [{"rel": "consent", "href": "/v1/consents", "method": "POST"}]
    edge.fakes.offers_answer = Offers.model_validate(
        {"offers": [], "reason": "consent_required", "links": links, "disclosures": [], "considered": 0}
    )
    edge.fakes.behave["profile"] = behaviours["refuse"]
    composed = await edge.ask()
    report = answer(composed).sections.insurance
    assert (report.status, report.reason, report.links) == ("ok", "profile_unavailable", [])
    assert edge.fakes.asked["insurance"][0].person is None
    assert not Explained.of(composed).complete


async def test_consents_of_an_old_snapshot_do_not_count(edge, behaviours):
    await edge.ask()
    edge.fakes.behave["profile"] = behaviours["refuse"]
    edge.clock.now += 61
    composed = await edge.ask()
    assert (composed.profile.status, composed.profile.age_ms) == ("stale", 61_000)
    assert edge.fakes.asked["insurance"][1].person.consents == {"personalisation": True}
    assert edge.fakes.asked["campaign"][1].person.consents == {"personalisation": True}
    assert edge.fakes.asked["content"][1].person.segment == "active"


async def test_consents_of_a_recent_snapshot_count(edge, behaviours):
    await edge.ask()
    edge.fakes.behave["profile"] = behaviours["refuse"]
    edge.clock.now += 59
    composed = await edge.ask()
    assert composed.profile.status == "stale"
    assert edge.fakes.asked["insurance"][1].person.consents["finance"] is True


async def test_without_personalisation_nothing_known_of_the_person_is_used(edge):
    composed = await edge.ask(personalise=False)
    content, offers, campaign = (edge.fakes.asked[name][0] for name in ("content", "insurance", "campaign"))
    assert (content.personalise, content.person.segment, content.person.traits) == (False, None, {})
    assert (campaign.person.segment, campaign.person.interests, campaign.person.facts) == (None, {}, {})
    assert offers.person.traits == {}
    assert offers.person.facts["birth_date"] == "1992-05-17"  # suitability stands on declared facts
    assert (composed.profile.reason, answer(composed).profile) == ("not_personalised", None)


async def test_a_withdrawn_personalisation_consent_is_like_not_personalising(edge):
    edge.fakes.know(consents={"personalisation": False, "marketing": True})
    await edge.ask()
    assert edge.fakes.asked["content"][0].personalise is False
    assert edge.fakes.asked["content"][0].person.segment is None


async def test_an_unknown_person_gets_a_cold_start(edge):
    edge.fakes.know(known=False, segment=None, traits={}, interests={}, consents={}, consent_version=0)
    composed = await edge.ask()
    assert statuses(composed) == dict.fromkeys(SECTIONS, "ok")
    assert answer(composed).profile.model_dump() == {"segment": None, "traits": {}, "interests": {}}


async def test_the_snapshot_is_asked_for_by_its_tag(edge):
    await edge.ask()
    await edge.ask()
    assert edge.fakes.asked["profile"] == [None, "tag-1"]


async def test_a_required_section_without_an_answer_is_named(edge, behaviours):
    edge.fakes.behave["insurance"] = behaviours["refuse"]
    explained = Explained.of(await edge.ask())
    with pytest.raises(RequiredSectionMissing) as missing:
        explained.require({"insurance", "content"})
    assert (missing.value.status_code, missing.value.extra["sections"]) == (503, {"insurance": "backend_unavailable"})


async def test_a_required_section_that_nobody_asked_for_is_not_missed(edge):
    explained = Explained.of(await edge.ask(sections=["content"]))
    explained.require(set(SECTIONS))
    assert explained.insurance.status == "skipped"


async def test_a_cancelled_call_cancels_its_back_ends_and_leaves_nothing(edge, behaviours):
    edge.fakes.behave = dict.fromkeys(("content", "campaign", "insurance"), behaviours["hang"])
    before = asyncio.all_tasks()
    asking = asyncio.create_task(edge.ask(deadline_ms=2000))
    await asyncio.sleep(0.05)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert sorted(edge.fakes.cancelled) == ["campaign", "content", "insurance"]
    assert asyncio.all_tasks() == before
    assert edge.composer.gates.content._bulkhead.in_use == 0
