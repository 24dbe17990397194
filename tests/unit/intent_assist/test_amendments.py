"""What changes a form under way, or does not: doubt, one more, another sum, somebody who looks for the number."""

from dataclasses import replace

import pytest

from services.intent.assist.session import FormState, Session
from tests.unit.intent_assist.conversing import (
    DIALOGUE,
    FRESH,
    REFUND_ORDER,
    REFUND_REASON,
    TEXTS,
    form_after,
    in_form,
    reply,
)

FILLED = FormState(
    "quote",
    {
        "category": "critical-illness",
        "birth": {"age": 35},
        "region": "CN-BJ",
        "amount": {"amount": "300000", "currency": None},
    },
)
CONFIRMING = replace(FRESH, form=FILLED)
REFUND = FormState("refund", {"order": "A1234567", "reason": "太难"})
REGION = replace(FRESH, form=FormState("quote", {"category": "medical", "birth": {"age": 35}}, asked="region"))
AMOUNT = replace(FRESH, form=replace(REGION.form or FILLED, slots={**FILLED.slots, "amount": None}, asked="amount"))


@pytest.mark.parametrize("text", ["是吗？", "对吗", "确定吗？", "ok?", "right?"])
def test_doubt_confirms_nothing(text: str) -> None:
    for form in (FILLED, REFUND):
        turn = in_form(replace(FRESH, form=form), text)
        assert (turn.outcome, turn.session and turn.session.form) == ("form", form)
        assert turn.text == TEXTS.form_phrases["which"].in_locale(turn.locale)


@pytest.mark.parametrize(
    "text", ["嗯嗯对的就是这样", "可以提交了", "yes please go ahead", "OK的", "yess plz", "no problem"]
)
def test_more_ways_to_say_yes(text: str) -> None:
    assert in_form(CONFIRMING, text).outcome == "action"


@pytest.mark.parametrize("text", ["actually no keep it", "不对，取消", "no wait, cancel it"])
def test_who_says_no_before_calling_it_off_has_called_it_off(text: str) -> None:
    assert in_form(replace(FRESH, form=REFUND), text).outcome == "cancelled"


@pytest.mark.parametrize("text", ["那就退吧", "确认退款", "赶紧退", "refund it"])
def test_the_wish_once_more_confirms_a_refund_and_no_quote(text: str) -> None:
    assert in_form(replace(FRESH, form=REFUND), text).outcome == "action"
    assert DIALOGUE.in_form(CONFIRMING, text) is None


@pytest.mark.parametrize("text", ["先别提交", "不行", "不可以"])
def test_a_no_is_asked_what_is_wrong(text: str) -> None:
    assert in_form(CONFIRMING, text).text == TEXTS.form_phrases["which"].zh


@pytest.mark.parametrize("text", ["我不住北京", "不是北京", "not Beijing"])
def test_a_place_that_is_denied_is_asked_for(text: str) -> None:
    form = form_after(CONFIRMING, text)
    assert (form and form.asked, form and "region" in form.slots) == ("region", False)


@pytest.mark.parametrize(
    "text", ["不是北京，是上海", "北京改上海", "beijing -> shanghai", "country is wrong, Shanghai"]
)
def test_of_two_places_the_one_that_is_meant_counts(text: str) -> None:
    form = form_after(CONFIRMING, text)
    assert form is not None
    assert form.slots == {**FILLED.slots, "region": "CN-SH"}


@pytest.mark.parametrize(
    ("session", "text", "slots"),
    [
        (REGION, "北京，等下，我刚才年龄说错了是36", {"category": "medical", "birth": {"age": 36}, "region": "CN-BJ"}),
        (
            replace(FRESH, form=FormState("quote", {"birth": {"age": 35}}, asked="category")),
            "医疗险，年龄改成36",
            {"birth": {"age": 36}, "category": "medical"},
        ),
    ],
)
def test_who_answers_and_corrects_in_one_breath_is_not_asked_again(
    session: Session, text: str, slots: dict[str, object]
) -> None:
    form = form_after(session, text)
    assert form is not None
    assert form.slots == slots


@pytest.mark.parametrize("text", ["等一下，是36", "wait, it's 36"])
def test_who_hesitates_and_says_another_value_corrects(text: str) -> None:
    form = form_after(REGION, text)
    assert form is not None
    assert (form.slots["birth"], form.asked) == ({"age": 36}, "region")


@pytest.mark.parametrize("text", ["再加一个意外险", "意外险也要", "accident cover too", "加上我老婆一起"])
def test_another_kind_besides_takes_no_other_s_place(text: str) -> None:
    turn = in_form(CONFIRMING, text)
    assert turn.session is not None
    assert turn.session.form == FILLED
    assert (turn.text or "").startswith(TEXTS.form_phrases["one_each"].in_locale(turn.locale))


@pytest.mark.parametrize("text", ["哦还有订单B7654321也要退", "加上B7654321", "and also B7654321"])
@pytest.mark.parametrize("asked", ["reason", ""])
def test_one_more_order_joins_the_first(text: str, asked: str) -> None:
    slots = {"order": "A1234567"} if asked else {"order": "A1234567", "reason": "太难"}
    form = form_after(replace(FRESH, form=FormState("refund", slots, asked=asked)), text)
    assert form is not None
    assert (form.slots["order"], form.asked) == ("A1234567, B7654321", asked)
    form = form_after(replace(FRESH, form=REFUND), "不对，是B7654321")
    assert form is not None
    assert form.slots["order"] == "B7654321"


@pytest.mark.parametrize("text", ["预算一年2000", "一年交3000以内", "my budget is 50 dollars a month"])
def test_a_budget_is_told_from_the_sum_insured(text: str) -> None:
    form = FormState("quote", {"category": "medical", "birth": {"age": 35}, "region": "SG"}, asked="amount")
    turn = in_form(replace(FRESH, form=form), text)
    about = TEXTS.forms["quote"].slots[3].about
    assert about is not None
    assert (turn.text or "").startswith(about.in_locale(turn.locale))
    assert turn.session is not None
    assert turn.session.form == replace(form, tries=1)
    begun = reply("insurance.quote", f"重疾险报价，{text}")
    assert begun.session is not None
    assert begun.session.form is not None
    assert "amount" not in begun.session.form.slots


@pytest.mark.parametrize(
    "text", ["no", "不用", "没有", "先不填", "你看着办", "pass", "保额嘛你看着办", "几十万吧具体没想好"]
)
def test_what_is_optional_may_be_declined(text: str) -> None:
    form = FormState("quote", {"category": "medical", "birth": {"age": 35}, "region": "SG"}, asked="amount")
    assert form_after(replace(FRESH, form=form), text) == replace(form, slots={**form.slots, "amount": None}, asked="")


@pytest.mark.parametrize("text", ["稍等我看一下", "等会儿我找找", "let me check", "hang on a sec"])
@pytest.mark.parametrize("session", [REFUND_ORDER, REFUND_REASON, REGION, CONFIRMING])
def test_who_asks_to_wait_has_failed_no_answer(text: str, session: Session) -> None:
    assert DIALOGUE.in_form(session, text) is None
    turn = reply("out_of_scope", text, session, in_scope=False)
    assert turn.session is not None
    assert (turn.outcome, turn.session.form) == ("form", session.form)


@pytest.mark.parametrize("text", ["我不知道啊你自己查", "查一下我账号", "it's on my account", "dont have it rn"])
def test_who_looks_for_the_number_elsewhere_is_told_where_it_is(text: str) -> None:
    about = TEXTS.forms["refund"].slots[0].about
    assert about is not None
    turn = in_form(REFUND_ORDER, text)
    assert (turn.text or "").startswith(about.in_locale(turn.locale))


@pytest.mark.parametrize("text", ["赶紧给老子退", "fuck you", "无语", "气死我了", "换一门课", "算了还是换课吧"])
def test_anger_and_another_wish_are_no_title(text: str) -> None:
    assert DIALOGUE.in_form(REFUND_ORDER, text) is None


@pytest.mark.parametrize(
    ("text", "order", "reason"),
    [
        ("Python课 不想学了", "Python课", "不想学了"),
        ("昨天买的 英语课 太难了", "昨天买的 英语课", "太难了"),
        ("订单号是A10293847 原因是买错了", "A10293847", "买错了"),
        ("订单：99887766 、课程太难", "99887766", "课程太难"),
    ],
)
def test_a_title_and_a_reason_are_parted_at_a_blank(text: str, order: str, reason: str) -> None:
    assert form_after(REFUND_ORDER, text) == FormState("refund", {"reason": reason, "order": order}, asked="")


@pytest.mark.parametrize("text", ["没收到货", "我没下单", "I never ordered this"])
def test_what_never_came_or_was_never_bought_is_a_reason(text: str) -> None:
    assert form_after(REFUND_ORDER, text) == FormState("refund", {"reason": text}, asked="order")


@pytest.mark.parametrize("text", ["订单号错了", "等下订单号错了"])
def test_a_number_that_is_wrong_is_no_reason(text: str) -> None:
    assert form_after(REFUND_REASON, text) == FormState("refund", {}, asked="order")
