"""Who wants to hear that an insurer will surely take, pay or yield is told who decides, and is quoted nothing as if it were that."""

from dataclasses import replace

import pytest

from services.intent.assist.found import Citation, Found, Passage
from services.intent.assist.session import Session
from services.intent.assist.values.orders import order
from tests.unit.intent_assist.conversing import FRESH, NOTHING, QUOTE_BIRTH, TEXTS, reply

UNDERWRITING = Passage(
    "血压高于 160 的，一般需要提供体检报告。", Citation("d", 1, 1, "帮助", "有高血压能投保吗？", None, 0.9)
)
ON_INSURANCE: Session = replace(FRESH, subject="insurance.eligibility")


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("insurance.eligibility", "是不是肯定能过核保"),
        ("insurance.eligibility", "这样肯定能过核保吧"),
        ("insurance.claim", "确诊了一定会赔吗？"),
        ("insurance.claim", "100%能赔吗"),
        ("insurance.cancel", "is it guaranteed to pay out"),
        ("insurance.coverage", "so it will definitely pay, right?"),
        ("invest.learn", "这个保本吗"),
        ("insurance.coverage", "do you promise the cover won't end"),
    ],
)
def test_nothing_is_promised_and_nothing_quoted_for_a_promise(label: str, text: str) -> None:
    turn = reply(label, text, found=Found((UNDERWRITING,), "hybrid"))
    said = TEXTS.say("no_promise", turn.locale)
    assert turn.outcome == "suggestions"
    assert (turn.text or "").startswith(f"{said}\n")
    assert turn.quotes == ("有高血压能投保吗？",)
    assert UNDERWRITING.quote not in (turn.text or "")
    assert reply(label, text, found=NOTHING).text == said


def test_what_is_offered_beside_may_be_chosen() -> None:
    offered = reply("insurance.eligibility", "肯定能过核保吗", found=Found((UNDERWRITING,), "hybrid")).session
    assert offered is not None
    assert offered.offered is not None
    assert offered.offered.near == [UNDERWRITING]


def test_in_a_form_its_question_stands_again() -> None:
    turn = reply("insurance.coverage", "肯定能赔吗", QUOTE_BIRTH, Found((UNDERWRITING,), "hybrid"))
    assert turn.outcome == "advice"
    assert (turn.text or "").startswith(TEXTS.say("no_promise", "zh-CN"))
    assert (turn.text or "").endswith(TEXTS.forms["quote"].slots[1].ask.zh)


@pytest.mark.parametrize("text", ["你得承诺到时候能赔", "guarantee me that you pay", "请跟我保证一定批"])
def test_whose_word_is_wanted_is_no_title(text: str) -> None:
    assert order(text, bare=True) is None


@pytest.mark.parametrize("text", ["一定能赔吗", "那肯定会通过吗"])
def test_it_may_be_about_what_was_spoken_of_before(text: str) -> None:
    assert reply("content.ask", text, ON_INSURANCE, NOTHING).outcome == "advice"
    assert reply("content.ask", text, FRESH, NOTHING).outcome != "advice"


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("insurance.coverage", "保证续保是什么意思"),
        ("insurance.coverage", "is it guaranteed renewable?"),
        ("insurance.buy", "我肯定会买的，怎么投保"),
        ("insurance.claim", "不一定能赔吗"),
        ("insurance.eligibility", "一定要体检吗"),
        ("insurance.learn", "我想知道保证金是什么"),
    ],
)
def test_terms_and_words_of_ones_own_are_no_wish_for_a_promise(label: str, text: str) -> None:
    for found in (NOTHING, Found((UNDERWRITING,), "hybrid")):
        assert not (reply(label, text, found=found).text or "").startswith(TEXTS.say("no_promise", "zh-CN"))


@pytest.mark.parametrize(
    "text", ["does the job guarantee have conditions?", "学完一定能找到工作吗", "lowest price guarantee?"]
)
def test_courses_and_offers_are_another_matter(text: str) -> None:
    assert reply("content.ask", text, found=NOTHING).outcome != "advice"
