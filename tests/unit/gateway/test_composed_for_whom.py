"""What a composed call leaves out, and what it says of it: what was not asked for, not consented to, not known."""

import pytest

from services.gateway.answer import Explained
from services.gateway.schemas import SECTIONS
from services.insurance.schemas import Offers
from services.kit.identity import Caller
from services.recommend.schemas import CampaignAnswer
from tests.unit.gateway.reading import answer, reasons, statuses


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
