"""Two wishes in one text, a wish that is taken back, anger, and what the knowledge base holds of another insurance."""

from dataclasses import replace

import pytest

from services.intent.assist.amendments import behind_cancel, takes_back
from services.intent.assist.found import Citation, Found, Passage
from services.intent.assist.session import FormState, Session
from tests.unit.intent_assist.conversing import (
    DIALOGUE,
    FRESH,
    NOTHING,
    QUOTE_BIRTH,
    REFUND_ORDER,
    TEXTS,
    form_after,
    heard,
    in_form,
    reply,
)

REFUND_CONFIRM = replace(FRESH, form=FormState("refund", {"order": "A1", "reason": "太难"}))
WAITING = Passage("等待期是 90 天。", Citation("d", 1, 1, "帮助", "重疾险的等待期是多长？", None, 0.9))


@pytest.mark.parametrize("text", ["医疗险等待期多久", "waiting period of travel insurance"])
def test_the_waiting_period_of_another_insurance_is_not_quoted(text: str) -> None:
    for found in (Found((WAITING,), "hybrid"), Found((), "hybrid", (WAITING,))):
        assert reply("insurance.coverage", text, found=found).outcome == "no_answer"
    assert reply("insurance.coverage", "重疾险等待期多久", found=Found((WAITING,), "hybrid")).outcome == "knowledge"


def test_a_question_in_a_form_is_about_the_kind_that_the_form_has() -> None:
    turn = reply("insurance.coverage", "等待期多久", QUOTE_BIRTH, Found((WAITING,), "hybrid"))
    assert (turn.outcome, turn.citations) == ("no_answer", ())
    both = replace(WAITING, quote="重疾险和医疗险的等待期都是 90 天。")
    assert reply("insurance.coverage", "等待期多久", QUOTE_BIRTH, Found((both,), "hybrid")).outcome == "knowledge"
    assert reply("content.access", "重疾险课打不开", found=Found((WAITING,), "hybrid")).outcome == "knowledge"


def test_of_two_wishes_the_question_is_answered_and_the_refund_begun() -> None:
    turn = reply("subscription.manage", "我要退款，顺便问下会员怎么关", found=NOTHING)
    assert (turn.text or "").startswith(TEXTS.labels["subscription.manage"].text.zh)
    assert (turn.text or "").endswith(TEXTS.forms["refund"].slots[0].ask.zh)
    assert turn.session is not None
    assert turn.session.form == FormState("refund", {}, asked="order")


@pytest.mark.parametrize("text", ["能退款吗，会员怎么关", "我要，会员怎么关", "不要退款，会员怎么关"])
def test_what_only_speaks_of_a_refund_begins_none_besides(text: str) -> None:
    turn = reply("subscription.manage", text, found=NOTHING)
    assert turn.session is not None
    assert (turn.outcome, turn.session.form) == ("template", None)


@pytest.mark.parametrize("text", ["我不想退款，就问问怎么换课", "我不要退款", "你们凭什么不退款"])
def test_who_wants_no_refund_begins_none(text: str) -> None:
    assert reply("content.refund", text, found=NOTHING).outcome == "no_answer"


@pytest.mark.parametrize("text", ["不用转人工", "我不想转人工"])
def test_not_to_a_person_is_no_title_and_no_reason(text: str) -> None:
    assert DIALOGUE.in_form(REFUND_ORDER, text) is None
    assert DIALOGUE.in_form(REFUND_CONFIRM, text) is None


def test_what_a_text_wants_behind_what_it_calls_off() -> None:
    assert behind_cancel("算了先不退了，问下重疾险") == "问下重疾险"
    assert behind_cancel("取消") == ""


@pytest.mark.parametrize("text", ["刚才填错了，应该是53", "把刚才那个取消", "cancel that request", "i made a mistake"])
def test_who_takes_back_what_was_sent_is_told_that_a_person_can(text: str) -> None:
    sent = in_form(REFUND_CONFIRM, "是").session
    assert sent is not None
    turn = reply("subscription.manage", text, sent)
    assert (turn.outcome, turn.text) == ("no_answer", TEXTS.say("already_sent", turn.locale))
    assert not DIALOGUE.needs_knowledge(sent, heard("subscription.manage"), text)
    assert reply("subscription.manage", text).outcome == "template"
    begun = reply("content.refund", "我要退款", sent).session
    assert begun is not None
    assert not begun.sent


@pytest.mark.parametrize(
    ("label", "text", "session"),
    [
        ("content.refund", "不是我买", QUOTE_BIRTH),
        ("content.refund", "不想学了", QUOTE_BIRTH),
        ("insurance.quote", "50万", REFUND_CONFIRM),
    ],
)
def test_a_form_is_left_for_another_only_by_a_text_that_names_it(label: str, text: str, session: Session) -> None:
    turn = reply(label, text, session)
    assert turn.session is not None
    assert turn.session.form == replace(session.form or FormState(""), tries=1)
    left = reply("insurance.quote", "给我报个医疗险", REFUND_CONFIRM).session
    assert left is not None
    assert left.form == FormState("quote", {"category": "medical"}, asked="birth")


def test_a_wish_for_a_refund_beside_a_question_on_one_is_taken_for_the_wish() -> None:
    turn = reply("content.refund", "I want a refund, and where is my other order?", found=NOTHING)
    assert (turn.outcome, (turn.text or "").startswith(TEXTS.labels["content.refund"].text.zh)) == ("form", True)


def test_a_question_is_not_thanked_for() -> None:
    assert reply("thanks_bye", "so that's a yes?").outcome == "unsure"
    assert reply("thanks_bye", "thank you so much!").outcome == "template"


def test_a_question_takes_nothing_back() -> None:
    assert not takes_back("刚才的能取消吗")


@pytest.mark.parametrize("text", ["赶紧给老子退", "退钱", "refund me now please"])
def test_the_wish_once_more_is_asked_for_the_order_whatever_the_model_heard(text: str) -> None:
    assert not DIALOGUE.needs_knowledge(REFUND_ORDER, heard("insurance.cancel"), text)
    turn = reply("insurance.cancel", text, REFUND_ORDER)
    assert turn.session is not None
    assert turn.session.form == FormState("refund", {}, asked="order", tries=1)
    assert turn.text == TEXTS.forms["refund"].slots[0].ask.in_locale(turn.locale)


@pytest.mark.parametrize("text", ["气死我了", "😡😡😡", "什么破平台", "wtf"])
def test_anger_is_not_called_an_answer_that_could_not_be_read(text: str) -> None:
    turn = reply("out_of_scope", text, REFUND_ORDER, in_scope=False)
    assert (turn.text or "").startswith(TEXTS.say("upset", turn.locale))
    first = reply("out_of_scope", text, in_scope=False)
    assert (first.outcome, first.text) == ("unsure", TEXTS.say("upset", first.locale))
    assert first.session is not None
    second = reply("out_of_scope", text, first.session, in_scope=False)
    assert second.hand_off is not None
    assert (second.text or "").startswith(TEXTS.labels["feedback.complaint"].text.in_locale(second.locale))


def test_what_it_costs_in_the_middle_of_a_quote_is_no_answer_that_could_not_be_read() -> None:
    turn = reply("insurance.quote", "多少钱啊", QUOTE_BIRTH, NOTHING)
    said = TEXTS.labels["insurance.quote"].text.zh + TEXTS.forms["quote"].slots[1].ask.zh
    assert turn.text == said


@pytest.mark.parametrize("text", ["车险多少钱", "how much is pet insurance"])
def test_a_kind_that_no_form_takes_down_is_called_so(text: str) -> None:
    before = replace(FRESH, subject="insurance.learn", kind="medical")
    begun = reply("insurance.quote", text, before)
    assert TEXTS.form_phrases["not_listed"].in_locale(begun.locale) in (begun.text or "")
    assert begun.session is not None
    assert begun.session.form == FormState("quote", {}, asked="category")
    again = in_form(begun.session, "宠物险呢")
    assert (again.text or "").startswith(TEXTS.form_phrases["not_listed"].zh)
    assert form_after(begun.session, "不要车险，医疗险") == FormState("quote", {"category": "medical"}, asked="birth")


def test_a_sum_without_its_currency_keeps_that_of_the_sum_before() -> None:
    form = FormState("quote", {"category": "life", "birth": {"age": 41}, "region": "GB"}, asked="amount")
    changed = form_after(replace(FRESH, form=form), "half a million pounds", "make it 300k")
    assert changed is not None
    assert changed.slots["amount"] == {"amount": "300000", "currency": "GBP"}


def test_the_personal_page_is_no_wish_for_a_person_and_no_refusal_of_one() -> None:
    turn = reply("human.agent", "在哪里找个人中心")
    assert (turn.outcome, turn.text) == ("unsure", TEXTS.say("unsure", "zh-CN"))
    assert reply("human.agent", "在吗").outcome == "hand_off"


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("content.ask", "保额买多少合适"),
        ("insurance.quote", "一般大家买多少"),
        ("risk.assess", "how much cover do i need for a family of 4"),
    ],
)
def test_how_much_cover_to_take_asks_for_advice(label: str, text: str) -> None:
    assert reply(label, text).outcome == "advice"
    assert reply("content.search", "保险课程推荐一个").outcome == "template"


@pytest.mark.parametrize(
    "text",
    ["你到底是不是真人啊", "你是chatgpt吗", "跟我聊天的是人还是程序", "r u a real person??", "are u human or chatgpt"],
)
def test_more_ways_to_ask_whether_it_is_a_robot(text: str) -> None:
    assert DIALOGUE.before_model(text, "zh-CN") is None
    turn = reply("human.agent", text)
    assert turn.text == TEXTS.labels["greeting"].text.in_locale(turn.locale)
