"""What stands in for a section that does not answer: the last good answer, what is popular, and what never does."""

import asyncio

import pytest

from services.kit.http import BackendRefused
from services.kit.identity import Caller
from tests.unit.gateway.reading import answer, failing


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
