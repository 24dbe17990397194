"""The rules of the bot, over the shipped texts."""

import itertools
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.intent.assist.claims import claims
from services.intent.assist.dialogue import Dialogue, Found, Passage
from services.intent.assist.forms import Forms
from services.intent.assist.session import FormState, Session
from services.intent.assist.texts import load_texts
from services.intent.assist.turns import Citation, Heard, Turn
from services.intent.assist.values.places import load_names
from services.intent.labels import LABELS

TEXTS = load_texts()
FORMS = Forms(TEXTS, load_names(), lambda: date(2026, 11, 25))
DIALOGUE = Dialogue(TEXTS, FORMS)
FRESH = Session(1, "zh-CN")
QUOTE = "重疾险的等待期是 90 天，保费 120 元起，我们保证赔付。"
PASSAGE = Passage(QUOTE, Citation("d", 1, 1, "帮助中心", "等待期", None, 0.9))
NOTHING = Found((), "lexical")


def heard(label: str, *, confidence: float = 0.9, in_scope: bool = True, topics: tuple[str, ...] = ()) -> Heard:
    return Heard(label, confidence, in_scope, "neutral", topics, "intent/1")


def reply(label: str, text: str = "随便问问", session: Session = FRESH, found: Found | None = None, **how: Any) -> Turn:
    return DIALOGUE.reply(session, text, heard(label, **how), found)


def test_a_passage_is_quoted_word_for_word_with_its_source() -> None:
    turn = reply("insurance.coverage", found=Found((PASSAGE,), "hybrid"))
    assert turn.outcome == "knowledge"
    assert turn.text == f"《帮助中心 › 等待期》中写道：\n{QUOTE}"
    assert (turn.citations, turn.retrieval) == ((PASSAGE.citation,), "hybrid")


@pytest.mark.parametrize(
    ("section", "source"),
    [
        ("可以货到付款吗？", "FAQ › 可以货到付款吗？"),
        ("帮助 › 退款 › 到账时间", "FAQ › 到账时间"),
        ("FAQ", "FAQ"),
        ("", "FAQ"),
    ],
)
def test_who_reads_a_bare_yes_sees_to_which_question_it_is_the_answer(section: str, source: str) -> None:
    turn = reply(
        "content.ask", found=Found((Passage("可以。", Citation("d", 1, 1, "FAQ", section, None, 0.9)),), "hybrid")
    )
    assert turn.text == f"《{source}》中写道：\n可以。"


def test_an_opinion_on_an_investment_is_refused_in_the_words_approved_for_it() -> None:
    turn = reply("invest.advice", "股票现在能买吗")
    assert (turn.outcome, turn.text) == ("advice", TEXTS.labels["invest.advice"].text.zh)


def test_whether_somebody_can_be_insured_is_no_wish_for_advice() -> None:
    assert reply("insurance.eligibility", "我15岁能买吗", found=NOTHING).outcome == "template"


@pytest.mark.parametrize("text", ["我要投诉你们", "老师骂人，我要投诉你们", "I want to make a complaint"])
def test_a_complaint_that_is_called_one_reaches_a_person_in_a_form_too(text: str) -> None:
    turn = DIALOGUE.before_model(text, "zh-CN")
    assert turn is not None
    assert turn.hand_off is not None
    assert (turn.hand_off.reason, (turn.text or "").startswith("很抱歉")) == ("complaint", True)
    assert DIALOGUE.before_model("不是要投诉，问一下退款", "zh-CN") is None


def test_a_question_that_only_knowledge_answers_has_no_answer_without_it() -> None:
    first = reply("insurance.coverage", found=NOTHING)
    assert (first.outcome, first.session and first.session.unanswered) == ("no_answer", 1)
    assert first.session is not None
    second = reply("content.ask", session=first.session, found=NOTHING)
    assert second.hand_off is not None
    assert second.hand_off.reason == "no_answer"


@pytest.mark.parametrize("label", ["invest.advice", "insurance.compare", "insurance.buy", "loan.ask"])
def test_which_one_to_take_gets_the_suitability_questions(label: str) -> None:
    turn = reply(label, "该买哪个好")
    assert turn.outcome == "advice"
    assert [link.href for link in turn.links] == ["/v1/suitability/questions"]


def test_advice_is_not_looked_up_in_the_knowledge_base() -> None:
    assert not DIALOGUE.needs_knowledge(heard("insurance.compare"), "哪款好")
    assert DIALOGUE.needs_knowledge(heard("insurance.compare"), "两款有什么区别")


def test_which_course_to_take_is_no_advice_on_money() -> None:
    assert reply("content.search", "Python 的课哪个好").outcome == "template"


def test_an_unsure_label_is_not_acted_on() -> None:
    assert reply("feedback.complaint", confidence=0.3).outcome == "unsure"
    assert reply("feedback.complaint", in_scope=False).outcome == "unsure"


def test_a_label_that_no_text_is_approved_for_is_looked_up_and_never_acted_on() -> None:
    assert DIALOGUE.needs_knowledge(heard("card_arrival"), "我的卡呢")
    assert reply("card_arrival", found=Found((PASSAGE,), "hybrid")).outcome == "knowledge"
    assert reply("card_arrival", found=NOTHING).text == TEXTS.say("unsure", "zh-CN")


def test_a_question_about_refunds_is_answered_and_a_wish_begins_the_form() -> None:
    assert DIALOGUE.needs_knowledge(heard("content.refund"), "退款多久到账？")
    assert not DIALOGUE.needs_knowledge(heard("content.refund"), "我要退款")
    begun = reply("content.refund", "我要退款")
    assert begun.session is not None
    assert begun.session.form == FormState("refund", {}, asked="order")


def in_form(session: Session, *texts: str) -> Turn:
    for text in texts:
        turn = DIALOGUE.in_form(session, text)
        assert turn is not None, text
        session = turn.session or session
    return turn


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


def form_after(session: Session, *texts: str) -> FormState | None:
    turn = in_form(session, *texts)
    assert turn.session is not None
    return turn.session.form


QUOTE_BIRTH = replace(FRESH, form=FormState("quote", {"category": "medical"}, asked="birth"))
REFUND_ORDER = replace(FRESH, form=FormState("refund", {}, asked="order"))
REFUND_REASON = replace(FRESH, form=FormState("refund", {"order": "A1"}, asked="reason"))


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
    assert turn.text == TEXTS.forms["quote"].slots[1].ask.zh


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
    assert (turn.outcome, turn.text) == ("form", TEXTS.forms["refund"].slots[0].ask.in_locale(turn.locale))
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


def test_a_small_number_that_corrects_is_an_age_whatever_was_said_last() -> None:
    turn = reply("insurance.quote", "quote for term life, I'm 41, live in Hong Kong, 1.5 million HKD")
    assert turn.session is not None
    form = form_after(turn.session, "no, 42")
    assert form is not None
    assert (form.slots["birth"], form.slots["amount"]) == ({"age": 42}, {"amount": "1500000", "currency": "HKD"})


@pytest.mark.parametrize("text", ["我不想退了，我想买保险", "取消，谢谢", "不退了，我再看看"])
def test_who_calls_it_off_and_goes_on_with_something_else_has_called_it_off(text: str) -> None:
    assert in_form(REFUND_REASON, text).outcome == "cancelled"


@pytest.mark.parametrize("text", ["我不想退了", "取消取消", "i changed my mind", "不想要了", "I want to cancel"])
def test_a_form_is_called_off_as_people_say_it(text: str) -> None:
    assert in_form(REFUND_ORDER, text).outcome == "cancelled"


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


@pytest.mark.parametrize("kind", ["self_harm", "fraud", "legal", "media", "regulator"])
def test_words_of_risk_lead_to_a_person_with_their_kind(kind: str) -> None:
    example = {
        "self_harm": "不想活了",
        "fraud": "被骗了",
        "legal": "律师函",
        "media": "曝光你们",
        "regulator": "打12315",
    }[kind]
    turn = DIALOGUE.before_model(example, "zh-CN")
    assert turn is not None
    assert turn.hand_off is not None
    assert (turn.hand_off.reason, turn.hand_off.detail) == ("risk_words", kind)


SAID = ("随便", "which one should I buy", "重疾险报价 30 元", "保证赔吗", "你好", "how much is it?", "退款")
SESSIONS = (
    FRESH,
    Session(1, "en"),
    replace(FRESH, unsure=1, unanswered=1),
    replace(FRESH, form=FormState("quote", {"amount": {"amount": "300000", "currency": "CNY"}}, asked="category")),
    Session(1, "en", form=FormState("refund", {"order": "A1"}, asked="reason")),
)


def own_words(turn: Turn) -> str:
    """An answer without what stands in a cited passage, and without what the person said."""
    text = turn.text or ""
    for quoted in turn.quotes if turn.citations else ():
        text = text.replace(quoted, "")
    for value in turn.slots.values():
        text = text.replace(str(value.get("amount")) if isinstance(value, dict) else str(value), "")
    return text


def test_no_answer_prices_promises_or_advises_but_in_a_quoted_passage() -> None:
    said = set()
    for label, text, session, found in itertools.product(
        LABELS, SAID, SESSIONS, (None, NOTHING, Found((PASSAGE,), "hybrid"))
    ):
        for how in ({}, {"confidence": 0.1}, {"topics": ("critical-illness",)}):
            turn = DIALOGUE.reply(session, text, heard(label, **how), found)  # type: ignore[arg-type]
            assert claims(own_words(turn)) == [], turn.text
            said.add(turn.outcome)
    assert said == {"template", "advice", "knowledge", "no_answer", "unsure", "form", "hand_off"}
