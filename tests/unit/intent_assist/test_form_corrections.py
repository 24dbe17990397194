"""What is corrected in a form, and how it is said."""

from dataclasses import replace

import pytest

from services.intent.assist.session import FormState
from tests.unit.intent_assist.conversing import (
    DIALOGUE,
    FRESH,
    QUOTE_BIRTH,
    REFUND_REASON,
    TEXTS,
    form_after,
    in_form,
    reply,
)


@pytest.mark.parametrize(
    ("correction", "slot", "value"),
    [
        ("不对，是36", "birth", {"age": 36}),
        ("no, 36", "birth", {"age": 36}),
        ("年龄改成四十", "birth", {"age": 40}),
        ("age should be 41", "birth", {"age": 41}),
        ("地区是北京", "region", "CN-BJ"),
        ("actually Shanghai", "region", "CN-SH"),
        ("保额改为 50万", "amount", {"amount": "500000", "currency": None}),
        ("险种换成意外险", "category", "accident"),
        ("kind is Travel", "category", "travel"),
        ("1990-01-01", "birth", {"birth_date": "1990-01-01"}),
    ],
)
def test_anything_can_be_corrected_before_it_is_confirmed(correction: str, slot: str, value: object) -> None:
    filled = {
        "category": "medical",
        "region": "CN-GD",
        "amount": {"amount": "100000", "currency": None},
        "birth": {"age": 35},
    }
    turn = in_form(replace(FRESH, form=FormState("quote", filled)), correction)
    assert turn.session is not None
    assert turn.session.form is not None
    assert turn.session.form.slots == {**filled, slot: value}


def test_several_things_are_corrected_at_once() -> None:
    session = replace(
        FRESH, form=FormState("quote", {"category": "medical", "birth": {"age": 34}, "region": "SG"}, asked="amount")
    )
    form = form_after(session, "保额改成50万，年龄改成40")
    assert form == FormState(
        "quote",
        {"category": "medical", "region": "SG", "birth": {"age": 40}, "amount": {"amount": "500000", "currency": None}},
        asked="",
    )


def test_who_changes_the_kind_in_the_middle_gets_the_other_kind() -> None:
    form = form_after(QUOTE_BIRTH, "算了，还是重疾险吧")
    assert form == FormState("quote", {"category": "critical-illness"}, asked="birth")


def test_the_answer_to_a_later_question_is_kept_and_the_first_asked_again() -> None:
    turn = in_form(QUOTE_BIRTH, "上海")
    assert turn.session is not None
    assert turn.session.form == FormState("quote", {"category": "medical", "region": "CN-SH"}, asked="birth")
    assert turn.text == TEXTS.form_phrases["noted"].zh + TEXTS.forms["quote"].slots[1].ask.zh


@pytest.mark.parametrize(
    "reason", ["课程太难了", "课程换老师了", "不想要了", "I changed my mind", "order arrived twice"]
)
def test_a_reason_that_speaks_of_the_course_leaves_the_order_as_it_is(reason: str) -> None:
    assert form_after(REFUND_REASON, reason) == FormState("refund", {"order": "A1", "reason": reason}, asked="")


def test_a_title_can_still_be_corrected() -> None:
    assert form_after(REFUND_REASON, "课程改成《财务自由之路》") == FormState(
        "refund", {"order": "财务自由之路"}, asked="reason"
    )


FILLED = FormState("quote", {"category": "critical-illness", "birth": {"age": 35}, "region": "CN-BJ", "amount": None})
CONFIRMING = replace(FRESH, form=FILLED)


@pytest.mark.parametrize(
    ("text", "slot"),
    [
        ("年龄", "birth"),
        ("年龄不对", "birth"),
        ("我要改地区", "region"),
        ("保额错了。", "amount"),
        ("change the age", "birth"),
        ("the age is wrong", "birth"),
        ("city is wrong", "region"),
    ],
)
def test_what_is_named_as_wrong_without_its_value_is_asked_for(text: str, slot: str) -> None:
    form = form_after(CONFIRMING, text)
    assert (form and form.asked, form and slot in form.slots) == (slot, False)


def test_in_the_middle_a_name_alone_is_no_correction_and_a_wrong_one_is() -> None:
    session = replace(FRESH, form=FormState("quote", {"category": "medical", "birth": {"age": 35}}, asked="region"))
    assert DIALOGUE.in_form(session, "年龄") is None
    assert form_after(session, "年龄错了", "36", "上海") == FormState(
        "quote", {"category": "medical", "birth": {"age": 36}, "region": "CN-SH"}, asked="amount"
    )


@pytest.mark.parametrize(
    "text", ["不要重疾险了，要医疗险", "重疾险换成医疗险", "医疗险，不是重疾险", "not critical illness, medical"]
)
@pytest.mark.parametrize("asked", ["", "amount"])
def test_of_two_kinds_the_one_that_is_declined_does_not_count(text: str, asked: str) -> None:
    form = form_after(replace(FRESH, form=replace(FILLED, asked=asked)), text)
    assert form is not None
    assert form.slots["category"] == "medical"


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("等等不对，是《投资学》", "投资学"),
        ("A20261129001", "A20261129001"),
        ("order is b12345678", "B12345678"),
        ("no wait, it's “Python for Data”", "Python for Data"),
        ("no wait it was “Python for Data”", "Python for Data"),
        ("actually the title is Python for Data", "Python for Data"),
    ],
)
def test_another_order_in_place_of_a_reason_is_a_correction_in_the_letters_it_was_written(
    text: str, order: str
) -> None:
    assert form_after(REFUND_REASON, text) == FormState("refund", {"order": order}, asked="reason")


@pytest.mark.parametrize(
    "reason", ["课程不对", "不需要了", "not interested", "取消了直播，不满意", "《小白理财》讲得不好", "covid-19"]
)
def test_a_reason_is_taken_for_one(reason: str) -> None:
    assert form_after(REFUND_REASON, reason) == FormState("refund", {"order": "A1", "reason": reason}, asked="")


def test_a_small_number_that_corrects_is_an_age_whatever_was_said_last() -> None:
    turn = reply("insurance.quote", "quote for term life, I'm 41, live in Hong Kong, 1.5 million HKD")
    assert turn.session is not None
    form = form_after(turn.session, "no, 42")
    assert form is not None
    assert (form.slots["birth"], form.slots["amount"]) == ({"age": 42}, {"amount": "1500000", "currency": "HKD"})
