"""A form from its first question to its end: what answers, what does not, what calls it off."""

from dataclasses import replace

import pytest

from services.intent.assist.session import FormState
from tests.unit.intent_assist.conversing import (
    DIALOGUE,
    FRESH,
    NOTHING,
    QUOTE_BIRTH,
    REFUND_ORDER,
    REFUND_REASON,
    TEXTS,
    form_after,
    in_form,
    reply,
)


def test_a_form_takes_everything_that_the_first_message_says() -> None:
    turn = reply("insurance.quote", "给我35岁的爸爸报个重疾险，在上海，保额30万")
    assert turn.session is not None
    assert turn.session.form is not None
    assert (turn.session.form.asked, turn.session.form.slots) == (
        "",
        {
            "category": "critical-illness",
            "birth": {"age": 35},
            "region": "CN-SH",
            "amount": {"amount": "300000", "currency": None},
        },
    )


@pytest.mark.parametrize("text", ["30岁以上能买吗？", "40岁的人可以投保吗", "how old can a 70 year old be?"])
def test_a_question_that_holds_a_value_is_no_answer(text: str) -> None:
    assert DIALOGUE.in_form(QUOTE_BIRTH, text) is None


def test_a_question_mark_behind_a_value_is_doubt_and_no_question() -> None:
    assert form_after(QUOTE_BIRTH, "35？") == FormState(
        "quote", {"category": "medical", "birth": {"age": 35}}, asked="region"
    )


@pytest.mark.parametrize(
    "text", ["谢谢", "好的", "嗯", "你好", "我要退款", "说了退钱", "refund please", "[phone]", "hello"]
)
def test_what_says_nothing_is_no_title(text: str) -> None:
    assert DIALOGUE.in_form(REFUND_ORDER, text) is None


@pytest.mark.parametrize("text", ["是的，谢谢", "好的", "no", "thanks"])
def test_what_says_nothing_is_no_reason(text: str) -> None:
    assert DIALOGUE.in_form(REFUND_REASON, text) is None


@pytest.mark.parametrize(
    "text",
    [
        "不知道订单号",
        "找不到订单号",
        "订单号忘了",
        "忘了",
        "课程名不记得了",
        "I can't find it",
        "i forgot the order number",
    ],
)
def test_who_has_no_number_is_asked_again_and_reaches_a_person_in_the_end(text: str) -> None:
    turn = in_form(REFUND_ORDER, text)
    order = TEXTS.forms["refund"].slots[0]
    assert order.about is not None
    gap = "" if turn.locale == "zh-CN" else " "
    assert (turn.outcome, turn.text) == (
        "form",
        order.about.in_locale(turn.locale) + gap + order.ask.in_locale(turn.locale),
    )
    given_up = in_form(REFUND_ORDER, text, text, text)
    assert given_up.hand_off is not None
    assert given_up.hand_off.reason == "form"
    assert form_after(REFUND_ORDER, "没有对手的竞争") == FormState(
        "refund", {"order": "没有对手的竞争"}, asked="reason"
    )


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("订单20261128-1、20261128-2两个都退", "20261128-1, 20261128-2"),
        ("A10293847 and B10293848", "A10293847, B10293848"),
        ("《理财入门》和《英语》", "理财入门、英语"),
        ("A10293847, 2026-11-20 买的", "A10293847"),
        ("A10293847 iphone15pro", "A10293847"),
        ("《理财入门》《英语》", "理财入门、英语"),
        ("从《理财入门》改成《英语》", "英语"),
    ],
)
def test_of_several_purchases_none_is_lost(text: str, order: str) -> None:
    assert form_after(REFUND_ORDER, text) == FormState("refund", {"order": order}, asked="reason")


@pytest.mark.parametrize("text", ["我不想退了，我想买保险", "取消，谢谢", "不退了，我再看看"])
def test_who_calls_it_off_and_goes_on_with_something_else_has_called_it_off(text: str) -> None:
    assert in_form(REFUND_REASON, text).outcome == "cancelled"


@pytest.mark.parametrize(
    "text",
    [
        "我不想退了",
        "算了，不想要了",
        "取消取消",
        "不退款了",
        "I want to cancel",
        "i dont want a refund",
        "i'll keep it",
    ],
)
def test_a_form_is_called_off_as_people_say_it(text: str) -> None:
    assert in_form(REFUND_ORDER, text).outcome == "cancelled"


@pytest.mark.parametrize(
    "text", ["不想要了", "算了不买了", "i changed my mind", "先不考虑了", "不用了太麻烦", "I don't want it any more"]
)
def test_what_is_wanted_no_more_ends_a_quote(text: str) -> None:
    assert in_form(QUOTE_BIRTH, text).outcome == "cancelled"


@pytest.mark.parametrize("text", ["对的，没错", "是的没问题", "yes, that's right", "对，没问题", "好的好的", "ok"])
def test_a_form_is_confirmed_as_people_say_it(text: str) -> None:
    session = replace(FRESH, form=FormState("refund", {"order": "A1", "reason": "太难"}))
    assert in_form(session, text).outcome == "action"


def test_thanks_in_a_form_are_no_failed_answer() -> None:
    turn = reply("thanks_bye", "谢谢", QUOTE_BIRTH)
    assert turn.session is not None
    assert (turn.session.form, turn.text) == (QUOTE_BIRTH.form, TEXTS.forms["quote"].slots[1].ask.zh)


def test_a_wish_for_another_form_ends_the_one_under_way_and_says_so() -> None:
    turn = reply("content.refund", "我要退款", QUOTE_BIRTH)
    assert turn.session is not None
    assert turn.session.form == FormState("refund", {}, asked="order")
    assert (turn.text or "").startswith("好的，已取消，没有登记任何内容。退款申请我可以先帮您登记")
    assert reply("content.refund", "能退款吗", QUOTE_BIRTH, NOTHING).slots == {"category": "medical"}


def test_the_same_wish_once_more_is_asked_for_what_is_missing_and_not_called_unread() -> None:
    session = replace(FRESH, form=FormState("refund", {}, asked="order"))
    for _ in range(2):
        turn = reply("content.refund", "我要退款", session)
        assert (turn.text or "").startswith("要退哪一笔")
        assert turn.session is not None
        session = turn.session
    turn = reply("content.refund", "我要退款", session)
    assert turn.hand_off is not None
    assert turn.hand_off.reason == "form"


def test_what_cannot_be_read_is_asked_again_twice_and_then_a_person_comes() -> None:
    session = replace(FRESH, form=FormState("quote", {"category": "medical"}, asked="birth"))
    for _ in range(2):
        assert DIALOGUE.in_form(session, "唔") is None
        turn = reply("out_of_scope", "唔", session, NOTHING, in_scope=False)
        assert turn.outcome == "form"
        assert turn.session is not None
        session = turn.session
    turn = reply("out_of_scope", "唔", session, NOTHING, in_scope=False)
    assert turn.hand_off is not None
    assert turn.hand_off.reason == "form"


def test_an_optional_slot_can_be_skipped_and_the_action_says_so() -> None:
    session = replace(
        FRESH, form=FormState("quote", {"category": "medical", "birth": {"age": 1}, "region": "SG"}, asked="amount")
    )
    turn = in_form(session, "跳过", "是")
    assert turn.action is not None
    assert turn.action.slots["amount"] is None
    assert turn.session is not None
    assert turn.session.form is None
