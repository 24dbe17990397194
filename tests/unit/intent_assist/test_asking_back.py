"""What people ask, correct and volunteer in a form beside the answer to its question."""

import time
from dataclasses import replace

import pytest

from services.intent.assist.session import FormState, Session
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

QUOTE_AMOUNT = replace(
    FRESH, form=FormState("quote", {"category": "medical", "birth": {"age": 3}, "region": "SG"}, asked="amount")
)
QUOTE = {slot.name: slot for slot in TEXTS.forms["quote"].slots}


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("你们要生日干嘛", "birth"),
        ("为什么要问这个", "birth"),
        ("why do you need to know that", "birth"),
        ("保额是什么意思", "amount"),
        ("what is sum insured?", "amount"),
        ("为啥要填地区", "region"),
    ],
)
def test_who_asks_what_a_question_is_for_is_told_and_asked_again(text: str, about: str) -> None:
    turn = in_form(QUOTE_BIRTH, text)
    said = QUOTE[about].about
    assert said is not None
    gap = "" if turn.locale == "zh-CN" else " "
    assert turn.text == said.in_locale(turn.locale) + gap + QUOTE["birth"].ask.in_locale(turn.locale)
    assert turn.session is not None
    assert turn.session.form == QUOTE_BIRTH.form


def test_where_the_order_number_is_has_its_answer_and_anger_is_no_question_about_the_form() -> None:
    order = TEXTS.forms["refund"].slots[0]
    assert order.about is not None
    assert (in_form(REFUND_ORDER, "订单号在哪看").text or "").startswith(order.about.zh)
    assert DIALOGUE.in_form(REFUND_REASON, "为什么扣我两次钱") is None
    assert DIALOGUE.in_form(QUOTE_BIRTH, "年龄有限制吗") is None


def test_a_question_in_a_form_is_not_called_an_answer_that_could_not_be_read() -> None:
    turn = reply("out_of_scope", "你们几点下班？", QUOTE_BIRTH, NOTHING, in_scope=False)
    assert (turn.text or "").startswith(TEXTS.labels["out_of_scope"].text.zh)
    assert (turn.text or "").endswith(QUOTE["birth"].ask.zh)


def test_after_a_question_without_an_answer_the_question_of_the_form_stands_again() -> None:
    turn = reply("content.ask", "上课要多久", REFUND_ORDER, NOTHING)
    assert (turn.outcome, (turn.text or "").endswith(TEXTS.forms["refund"].slots[0].ask.zh)) == ("no_answer", True)


@pytest.mark.parametrize(
    ("text", "slot", "value"),
    [
        ("北京，哦不对，天津", "region", "CN-TJ"),
        ("beijing, no wait, shanghai", "region", "CN-SH"),
        ("33，不对，34岁", "birth", {"age": 34}),
        ("重疾险，说错了，医疗险", "category", "medical"),
    ],
)
def test_who_corrects_himself_in_one_breath_is_heard(text: str, slot: str, value: object) -> None:
    form = form_after(replace(FRESH, form=FormState("quote", {}, asked=slot)), text)
    assert form is not None
    assert form.slots[slot] == value


def test_another_value_of_what_was_answered_before_is_a_correction() -> None:
    session = replace(FRESH, form=FormState("quote", {"category": "accident", "birth": {"age": 3}}, asked="region"))
    turn = in_form(session, "2023年5月1号")
    assert (turn.text or "").startswith("已更正。")
    assert turn.session is not None
    assert turn.session.form == replace(
        session.form, slots={"category": "accident", "birth": {"birth_date": "2023-05-01"}}
    )


@pytest.mark.parametrize(
    "text", ["下周去日本玩", "a trip to japan", "going to Japan for a week", "日本七日游", "飞东京"]
)
def test_where_somebody_travels_is_not_where_they_live(text: str) -> None:
    begun = reply("insurance.quote", f"旅行险报价，{text}")
    assert begun.session is not None
    assert begun.session.form == FormState("quote", {"category": "travel"}, asked="birth")
    form = form_after(begun.session, "i live in London, going to Japan")
    assert form is not None
    assert form.slots["region"] == "GB"


@pytest.mark.parametrize("text", ["户口湖南，人在广州", "湖南人，住在广州", "from Hunan, living in Guangzhou"])
def test_of_two_places_the_one_where_somebody_lives_counts(text: str) -> None:
    form = form_after(replace(FRESH, form=FormState("quote", {}, asked="region")), text)
    assert form is not None
    assert form.slots == {"region": "CN-GD"}


def test_the_age_is_kept_that_is_said_while_the_kind_is_asked() -> None:
    form = form_after(replace(FRESH, form=FormState("quote", {}, asked="category")), "她五十八")
    assert form == FormState("quote", {"birth": {"age": 58}}, asked="category")


def test_who_does_not_know_what_is_needed_reaches_a_person_in_the_end() -> None:
    turn = in_form(QUOTE_BIRTH, "不知道", "dunno", "没概念")
    assert turn.hand_off is not None
    assert turn.hand_off.reason == "form"


@pytest.mark.parametrize(
    "text",
    [
        "a" + " " * 1990 + "b",
        "，" * 2000,
        "a-" * 1000,
        "不想" * 1000,
        "she is " * 285,
        "3万 " * 660,
        "三" * 2000,
        "5 到" * 660,
    ],
)
@pytest.mark.parametrize("session", [QUOTE_BIRTH, QUOTE_AMOUNT, REFUND_ORDER, REFUND_REASON])
def test_a_long_text_is_read_in_no_time(session: Session, text: str) -> None:
    begun = time.perf_counter()
    DIALOGUE.in_form(session, text)
    assert time.perf_counter() - begun < 1.0
