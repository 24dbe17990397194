"""The rules of the bot, over the shipped texts."""

import itertools
from dataclasses import replace

import pytest

from services.intent.assist.claims import claims
from services.intent.assist.found import Citation, Found, Passage
from services.intent.assist.session import FormState, Session
from services.intent.assist.turns import Turn
from services.intent.labels import LABELS
from services.kit.wire import Locale
from tests.unit.intent_assist.conversing import DIALOGUE, FRESH, NOTHING, PASSAGE, QUOTE, TEXTS, heard, reply


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


@pytest.mark.parametrize("text", ["[phone]", " [card]。", "[id] [phone]"])
@pytest.mark.parametrize("label", ["human.agent", "content.buy"])
def test_a_number_alone_is_not_understood_by_the_word_that_masks_it(text: str, label: str) -> None:
    assert not DIALOGUE.needs_knowledge(FRESH, heard(label), text)
    assert reply(label, text).outcome == "unsure"
    form = FormState("refund", {}, asked="order")
    turn = reply(label, text, replace(FRESH, form=form))
    assert turn.session is not None
    assert (turn.outcome, turn.hand_off, turn.session.form) == ("form", None, replace(form, tries=1))


def test_a_number_with_words_is_understood_by_them() -> None:
    assert DIALOGUE.needs_knowledge(FRESH, heard("content.ask"), "[phone] 怎么改")
    assert reply("human.agent", "打我电话 [phone]").outcome == "hand_off"


@pytest.mark.parametrize("text", ["不想转人工", "别急着转人工", "I don't want to speak to an agent"])
def test_who_wants_no_person_gets_none_whatever_the_model_heard(text: str) -> None:
    turn = reply("human.agent", text)
    assert (turn.outcome, turn.hand_off) == ("template", None)
    assert turn.text == TEXTS.say("no_hand_off", "zh-CN")


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
    assert not DIALOGUE.needs_knowledge(FRESH, heard("insurance.compare"), "哪款好")
    assert DIALOGUE.needs_knowledge(FRESH, heard("insurance.compare"), "两款有什么区别")


def test_which_course_to_take_is_no_advice_on_money() -> None:
    assert reply("content.search", "Python 的课哪个好").outcome == "template"


def test_an_unsure_label_is_not_acted_on() -> None:
    assert reply("feedback.complaint", confidence=0.3).outcome == "unsure"
    assert reply("feedback.complaint", in_scope=False).outcome == "unsure"


def test_a_label_that_no_text_is_approved_for_is_looked_up_and_never_acted_on() -> None:
    assert DIALOGUE.needs_knowledge(FRESH, heard("card_arrival"), "我的卡呢")
    assert reply("card_arrival", found=Found((PASSAGE,), "hybrid")).outcome == "knowledge"
    assert reply("card_arrival", found=NOTHING).text == TEXTS.say("unsure", "zh-CN")


def test_a_question_about_refunds_is_answered_and_a_wish_begins_the_form() -> None:
    assert DIALOGUE.needs_knowledge(FRESH, heard("content.refund"), "退款多久到账？")
    assert not DIALOGUE.needs_knowledge(FRESH, heard("content.refund"), "我要退款")
    begun = reply("content.refund", "我要退款")
    assert begun.session is not None
    assert begun.session.form == FormState("refund", {}, asked="order")


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


def test_the_same_text_is_not_said_twice_and_the_third_time_a_person_comes() -> None:
    first = reply("account.help", "验证码收不到")
    assert first.session is not None
    second = reply("account.help", "手机号换了", first.session)
    assert (second.outcome, second.text) == ("no_answer", TEXTS.say("repeated", "zh-CN"))
    assert second.session is not None
    assert reply("order.status", "我的订单呢", second.session).outcome == "template"
    third = reply("account.help", "登不上", second.session)
    assert third.hand_off is not None
    assert third.hand_off.reason == "no_answer"


def test_thanks_may_be_returned_as_often_as_they_are_said() -> None:
    session = FRESH
    for _ in range(4):
        turn = reply("thanks_bye", "谢谢", session)
        assert (turn.outcome, turn.session is None) == ("template", False)
        session = turn.session or session


@pytest.mark.parametrize(
    ("text", "said"), [("试过了", "zh-CN"), ("还是不行啊", "zh-CN"), ("tried that", "en"), ("it didnt work", "en")]
)
def test_an_answer_that_did_not_help_is_not_thanked_for_and_the_second_time_a_person_comes(
    text: str, said: Locale
) -> None:
    session = replace(FRESH, locale=said, told="content.access")
    turn = reply("thanks_bye", text, session)
    assert (turn.outcome, turn.text) == ("unsure", TEXTS.say("not_helped", said))
    assert not DIALOGUE.needs_knowledge(session, heard("content.access"), text)
    assert turn.session is not None
    second = reply("content.access", text, turn.session)
    assert second.hand_off is not None
    assert second.hand_off.reason == "low_confidence"


def test_who_asks_whether_it_is_a_robot_is_told_so_in_a_form_too() -> None:
    turn = reply("human.agent", "你是机器人吗")
    assert (turn.outcome, turn.text) == ("template", TEXTS.labels["greeting"].text.zh)
    form = replace(FRESH, form=FormState("refund", {}, asked="order"))
    assert DIALOGUE.in_form(form, "你是机器人吗") is None
    turn = reply("human.agent", "你是机器人吗", form)
    assert (turn.outcome, turn.session and turn.session.form) == ("template", form.form)


@pytest.mark.parametrize(("label", "text"), [("insurance.cancel", "不想要了"), ("subscription.manage", "cancel")])
def test_a_bare_no_where_nothing_was_asked_ends_no_policy(label: str, text: str) -> None:
    assert reply(label, text).outcome == "unsure"


def test_which_one_after_a_word_on_insurance_asks_for_advice_on_insurance() -> None:
    before = reply("insurance.learn", "重疾险是什么").session
    assert before is not None
    assert reply("promo.ask", "推荐一个呗", before).outcome == "advice"
    assert reply("promo.ask", "推荐一个呗").outcome == "template"
    assert reply("content.search", "推荐一个 Python 课", before, topics=("tech",)).outcome == "template"


@pytest.mark.parametrize("text", ["k", "嗯", "hmm", "可以的"])
def test_a_nod_where_nothing_was_asked_is_no_failure_to_understand(text: str) -> None:
    turn = reply("out_of_scope", text, replace(FRESH, unsure=1), in_scope=False)
    assert (turn.outcome, turn.hand_off) == ("template", None)


def test_what_is_called_off_where_nothing_was_asked_begins_no_refund() -> None:
    assert reply("content.refund", "算了不买了").outcome == "unsure"


def test_closing_the_account_has_its_words() -> None:
    said = TEXTS.labels["account.help"].text
    assert "注销账号" in said.zh
    assert "closing the account" in said.en


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
        LABELS, SAID, SESSIONS, (None, NOTHING, Found((PASSAGE,), "hybrid"), Found((), "hybrid", (PASSAGE,)))
    ):
        for how in ({}, {"confidence": 0.1}, {"topics": ("critical-illness",)}):
            turn = DIALOGUE.reply(session, text, heard(label, **how), found)  # type: ignore[arg-type]
            assert claims(own_words(turn)) == [], turn.text
            said.add(turn.outcome)
    assert said == {"template", "advice", "knowledge", "suggestions", "no_answer", "unsure", "form", "hand_off"}
