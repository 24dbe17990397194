"""Why a refund is wanted, said before it is asked for, beside the order or in place of it."""

from dataclasses import replace

import pytest

from services.intent.assist.session import FormState
from services.intent.assist.values.reasons import parted
from tests.unit.intent_assist.conversing import DIALOGUE, FRESH, REFUND_ORDER, TEXTS, form_after, in_form, reply

CONFIRMING = replace(FRESH, form=FormState("refund", {"order": "A1", "reason": "太难了"}))


@pytest.mark.parametrize(
    "text",
    [
        "不想要了", "我不想要这个课了", "不需要了", "买错了", "讲得不好", "太难", "孩子不喜欢", "没时间看",
        "重复购买", "扣了两次",
        "听不懂，口音太重", "因为要考研没空", "没啥用", "不想要了，太贵了", "上了两节觉得没啥意思", "家里有事上不了",
        "lost interest", "moving abroad",
        "i changed my mind", "I don't want it anymore", "dont want it",
        "bought by mistake", "too hard 4 me", "charged twice", "dunno just clicked wrong", "watched half",
        "it doesnt play on my ipad", "i never used it", "not as described",
    ],
)  # fmt: skip
def test_a_reason_in_place_of_an_order_is_kept_and_the_order_asked_for_again(text: str) -> None:
    turn = in_form(REFUND_ORDER, text)
    assert turn.session is not None
    assert turn.session.form == FormState("refund", {"reason": text}, asked="order")
    locale = turn.locale
    assert (turn.text or "").startswith(TEXTS.form_phrases["reason_noted"].in_locale(locale))
    assert (turn.text or "").endswith(TEXTS.forms["refund"].slots[0].ask.in_locale(locale))


@pytest.mark.parametrize(
    "title",
    [
        "财务自由之路", "没有对手的竞争", "昨天买的那个英语课", "不抱怨的世界", "被讨厌的勇气", "太极拳入门",
        "不要挑战人性", "退休规划课",
        "the python one", "Don't Make Me Think", "Never Split the Difference", "Too Big to Fail", "The 4-Hour Workweek",
    ],
)  # fmt: skip
def test_a_title_that_denies_something_is_still_a_title(title: str) -> None:
    assert form_after(REFUND_ORDER, title) == FormState("refund", {"order": title}, asked="reason")


@pytest.mark.parametrize(
    ("text", "order", "reason"),
    [
        ("A20261129001 不想要了", "A20261129001", "不想要了"),
        ("《Python入门》太难了", "Python入门", "太难了"),
        ("英语课，听不懂", "英语课", "听不懂"),
        ("the python one, too hard", "the python one", "too hard"),
        ("我要退昨天买的写作课，买错了", "昨天买的写作课", "买错了"),
    ],
)
def test_who_says_both_is_asked_for_neither(text: str, order: str, reason: str) -> None:
    assert form_after(REFUND_ORDER, text) == FormState("refund", {"order": order, "reason": reason}, asked="")


def test_a_wish_for_a_refund_that_says_why_is_not_asked_why() -> None:
    begun = reply("content.refund", "买错了，给我退款")
    assert begun.session is not None
    assert form_after(begun.session, "A20261129001") == FormState(
        "refund", {"reason": "买错了", "order": "A20261129001"}, asked=""
    )
    assert parted("没看过可以全额退，太好了")[1] is None
    assert parted("i don't want to talk to a human, refund me")[1] is None


def test_the_same_reason_in_place_of_an_order_for_ever_reaches_a_person() -> None:
    turn = in_form(REFUND_ORDER, *["不想要了"] * 4)
    assert turn.hand_off is not None
    assert turn.hand_off.reason == "form"


@pytest.mark.parametrize(
    "text",
    [
        "帮我关掉自动续费",
        "cancel my membership",
        "please stop the renewal",
        "三天了",
        "its been 5 days",
        "把多的退给我",
    ],
)
def test_a_wish_for_something_else_is_no_title(text: str) -> None:
    assert DIALOGUE.in_form(REFUND_ORDER, text) is None


@pytest.mark.parametrize("text", ["那帮我退了吧", "refund please"])
def test_the_wish_once_more_is_no_reason(text: str) -> None:
    assert DIALOGUE.in_form(replace(FRESH, form=FormState("refund", {"order": "A1"}, asked="reason")), text) is None


def test_while_the_whole_is_to_be_confirmed_a_reason_takes_the_other_s_place() -> None:
    assert form_after(CONFIRMING, "其实是买重复了") == FormState("refund", {"order": "A1", "reason": "其实是买重复了"})
    again = in_form(CONFIRMING, "不想要了")
    assert again.session is not None
    assert (again.outcome, again.session.form) == ("form", CONFIRMING.form)
    assert in_form(CONFIRMING, "不退了").outcome == "cancelled"
