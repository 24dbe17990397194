"""The composed call over fakes: its stages and deadlines, what each back end is told, and what a failure of one does."""

import asyncio
import time

import pytest

from services.gateway.answer import Explained, RequiredSectionMissing
from services.gateway.schemas import SECTIONS
from services.kit.http import BackendInvalid, BackendRefused
from tests.unit.gateway.reading import answer, failing, statuses


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
    """Each back end answers when all of its stage have been asked."""
    first, second = asyncio.Barrier(2), asyncio.Barrier(3)
    edge.fakes.behave = dict.fromkeys(("profile", "intent"), first.wait)
    edge.fakes.behave |= dict.fromkeys(("content", "campaign", "insurance"), second.wait)
    assert statuses(await edge.ask()) == dict.fromkeys(SECTIONS, "ok")


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
