"""What a text means behind what was said before it, and what is said of a refund that nobody asks for."""

from dataclasses import replace

import pytest

from services.intent.assist.found import Citation, Found, Passage
from services.intent.assist.session import FormState, Session
from tests.unit.intent_assist.conversing import DIALOGUE, FRESH, NOTHING, TEXTS, heard, reply


def after(label: str, text: str) -> Session:
    session = reply(label, text).session
    assert session is not None
    return session


ACCIDENT = after("insurance.learn", "意外险是什么")


@pytest.mark.parametrize("text", ["多少钱啊", "how much"])
def test_how_much_behind_an_insurance_asks_for_its_quote_of_that_kind(text: str) -> None:
    turn = reply("content.price", text, ACCIDENT)
    assert turn.session is not None
    assert turn.session.form == FormState("quote", {"category": "accident"}, asked="birth")


def test_what_names_a_course_is_about_the_course_and_so_is_what_stands_alone() -> None:
    assert reply("content.price", "这门课多少钱", ACCIDENT).outcome == "template"
    assert reply("content.price", "how much", ACCIDENT, topics=("tech",)).outcome == "template"
    assert reply("content.price", "多少钱啊").outcome == "template"


def test_money_back_behind_a_word_on_cancelling_a_policy_is_no_refund_of_a_course() -> None:
    turn = reply("content.refund", "钱全退吗", replace(FRESH, subject="insurance.cancel"))
    assert (turn.outcome, turn.text) == ("template", TEXTS.labels["insurance.cancel"].text.zh)


@pytest.mark.parametrize(
    "text",
    [
        "我的退款到哪了", "退的钱怎么还没到", "不是要退款，我是问退款规则", "退款要几天", "can u check my refund", "refund policy",
        "i dont want a refund i want to know the rules",
    ],
)  # fmt: skip
def test_who_asks_about_a_refund_is_not_asked_for_an_order(text: str) -> None:
    assert DIALOGUE.needs_knowledge(FRESH, heard("content.refund"), text)
    turn = reply("content.refund", text, found=NOTHING)
    assert (turn.outcome, turn.text) == ("no_answer", TEXTS.say("refund_asked", turn.locale))


@pytest.mark.parametrize("text", ["我要退款", "能退吗", "can i get a refund", "退钱"])
def test_who_wishes_for_a_refund_is(text: str) -> None:
    assert reply("content.refund", text, found=NOTHING).outcome == "form"


def found(section: str, quote: str) -> Found:
    return Found((Passage(quote, Citation("d", 1, 1, "帮助", section, None, 0.95)),), "hybrid")


def test_what_an_insurance_pays_at_most_is_not_quoted_as_its_price() -> None:
    most = found("考试重考险是什么", "没有达到约定分数，赔付一次重考的报名费，最高 2,400 元。")
    assert reply("insurance.quote", "重考险多少钱", found=most).outcome == "form"
    assert reply("insurance.coverage", "重考险赔多少", found=most).outcome == "knowledge"
    priced = found("无赔款优惠", "连续三年没有出险，保费按 6 折计算。")
    assert reply("insurance.quote", "三年没出险便宜多少", found=priced).outcome == "knowledge"


def test_a_number_alone_is_no_label() -> None:
    assert reply("loan.ask", "8000").outcome == "unsure"
    assert not DIALOGUE.needs_knowledge(FRESH, heard("out_of_scope"), "2")
    assert reply("feedback.praise", "👍").outcome == "template"
