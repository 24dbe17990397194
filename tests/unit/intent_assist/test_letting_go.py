"""Who lets go of a form and goes on, asks for a promise in other words, or says hello before something else."""

from dataclasses import replace

import pytest

from services.intent.assist.amendments import behind_cancel
from services.intent.assist.reading import language, without_greeting
from services.intent.assist.session import FormState
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


@pytest.mark.parametrize(
    ("text", "behind"),
    [
        ("算了，证书在哪领", "证书在哪领"),
        ("算了算了 密码怎么改", "密码怎么改"),
        ("forget it, how many devices can i use", "how many devices can i use"),
        ("ok nevermind where are my coupons", "where are my coupons"),
    ],
)
def test_a_question_behind_letting_go_ends_the_form(text: str, behind: str) -> None:
    for session in (QUOTE_BIRTH, REFUND_ORDER, REFUND_CONFIRM):
        turn = in_form(session, text)
        assert (turn.outcome, turn.session and turn.session.form) == ("cancelled", None)
    assert behind_cancel(text) == behind


@pytest.mark.parametrize(("text", "age"), [("算了，写42吧", 42), ("never mind, 42", 42)])
def test_a_value_behind_letting_go_is_an_answer(text: str, age: int) -> None:
    form = form_after(QUOTE_BIRTH, text)
    assert form is not None
    assert form.slots["birth"] == {"age": age}


@pytest.mark.parametrize("text", ["never mind, tell me the total", "算了算了，说个数"])
def test_what_is_neither_a_question_nor_a_wish_behind_it_ends_nothing(text: str) -> None:
    assert DIALOGUE.in_form(QUOTE_BIRTH, text) is None
    assert in_form(QUOTE_BIRTH, "never mind, please close my account").outcome == "cancelled"


@pytest.mark.parametrize("text", ["还是取消不掉", "试过了还是登录不了", "still doesn't"])
def test_that_something_did_not_help_is_no_title(text: str) -> None:
    assert DIALOGUE.in_form(REFUND_ORDER, text) is None
    assert reply("account.help", text).outcome == "unsure"


def test_letting_go_of_nothing_but_a_title_ends_no_refund() -> None:
    form = form_after(REFUND_ORDER, "算了，《园艺入门》")
    assert form is not None
    assert form.slots["order"] == "园艺入门"


@pytest.mark.parametrize("text", ["hold on, i'd like to swap it for another class", "等等，我想换一门课"])
def test_a_wish_behind_a_hesitation_is_no_title(text: str) -> None:
    assert DIALOGUE.in_form(REFUND_ORDER, text) is None


def test_a_change_that_names_no_part_is_asked_which() -> None:
    turn = in_form(REFUND_CONFIRM, "改一下，是园艺进阶")
    assert turn.text == TEXTS.form_phrases["which"].zh


@pytest.mark.parametrize("text", ["撤回刚刚那个", "我反悔了，作废吧", "please undo that", "我后悔了"])
def test_more_ways_to_take_back_what_was_sent(text: str) -> None:
    sent = in_form(REFUND_CONFIRM, "是").session
    assert sent is not None
    written = replace(sent, locale=language(text, "zh-CN"))
    assert reply("thanks_bye", text, written).text == TEXTS.say("already_sent", written.locale)


@pytest.mark.parametrize("text", ["你必须承诺一定赔", "say that you guarantee my claim", "写个保证，一定能过核保"])
def test_a_promise_may_be_demanded_without_a_question(text: str) -> None:
    assert reply("insurance.coverage", text, found=NOTHING).outcome == "advice"
    assert reply("content.ask", "我保证按时学完，一定会打卡").outcome != "advice"


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("hey there! my lessons are gone", "my lessons are gone"),
        ("您好，课程突然不见了", "课程突然不见了"),
        ("hello", "hello"),
        ("你好啊", "你好啊"),
        ("hi my lessons are gone", "my lessons are gone"),
        ("hi!!", "hi!!"),
    ],
)
def test_a_greeting_is_not_what_a_text_says(text: str, rest: str) -> None:
    assert without_greeting(text) == rest


def test_thx_changes_no_language() -> None:
    assert (language("thx", "zh-CN"), language("tks", "zh-CN"), language("thank you", "zh-CN")) == (
        "zh-CN",
        "zh-CN",
        "en",
    )


@pytest.mark.parametrize(
    "text", ["几天能到啊", "等了一周还没到", "how long will that be", "两周了还没消息", "a week and nothing yet"]
)
def test_behind_a_refund_how_long_asks_for_its_rules(text: str) -> None:
    after = replace(FRESH, subject="content.refund", locale=language(text, "zh-CN"))
    misheard = heard("order.status", confidence=0.3)
    assert DIALOGUE.needs_knowledge(after, misheard, text)
    assert DIALOGUE.asked(after, misheard, text) in {f"退款{text}", f"refund {text}"}
    turn = DIALOGUE.reply(after, text, misheard, NOTHING)
    assert turn.text == TEXTS.say("refund_asked", turn.locale)


@pytest.mark.parametrize("text", ["书几天能到啊", "快递几天能到", "理赔款几天到账"])
def test_behind_a_refund_another_thing_is_asked_about_as_itself(text: str) -> None:
    after = replace(FRESH, subject="content.refund")
    assert DIALOGUE.asked(after, heard("order.status"), text) == text


def test_a_question_is_searched_for_with_the_insurance_that_was_spoken_of() -> None:
    after = replace(FRESH, subject="insurance.coverage", kind="accident")
    assert DIALOGUE.asked(after, heard("insurance.coverage"), "滑雪算吗") == "意外险滑雪算吗"
    unsure = heard("insurance.coverage", confidence=0.4, in_scope=False)
    assert DIALOGUE.asked(after, unsure, "那潜水呢") == "意外险那潜水呢"
    assert DIALOGUE.asked(after, heard("insurance.coverage"), "寿险呢") == "寿险呢"
    assert DIALOGUE.asked(after, heard("account.help"), "密码忘了") == "密码忘了"


@pytest.mark.parametrize("text", ["哎呀不对，地区是天津", "no, make it 300k euros", "错了，我要退的是《园艺入门》"])
def test_a_correction_behind_what_was_sent_is_told_so_too(text: str) -> None:
    sent = replace(FRESH, sent=True, locale=language(text, "zh-CN"))
    assert reply("out_of_scope", text, sent, in_scope=False).text == TEXTS.say("already_sent", sent.locale)
    assert reply("out_of_scope", text, in_scope=False).outcome == "unsure"
    assert reply("thanks_bye", "no thanks, bye", sent).outcome == "template"


@pytest.mark.parametrize(("text", "upset"), [("外婆和大妈的呢", False), ("我妈的保单", False), ("妈的，又卡了", True)])
def test_what_is_a_mothers_is_no_curse(text: str, upset: bool) -> None:
    assert TEXTS.words.is_upset(text) is upset


def test_of_two_ages_in_one_breath_neither_is_taken() -> None:
    assert DIALOGUE.in_form(QUOTE_BIRTH, "me 44, husband 47") is None
    form = form_after(QUOTE_BIRTH, "me, 44")
    assert form is not None
    assert form.slots["birth"] == {"age": 44}


def test_whether_one_insurer_is_better_than_another_asks_for_advice() -> None:
    assert reply("insurance.compare", "你们的寿险比别家的好吗").outcome == "advice"
    assert reply("insurance.compare", "is your life cover better than theirs").outcome == "advice"


@pytest.mark.parametrize("text", ["都等了两个星期了", "一个月了！", "it's been 3 weeks"])
def test_how_long_somebody_has_waited_is_about_what_was_spoken_of(text: str) -> None:
    after = replace(FRESH, subject="account.help", locale=language(text, "zh-CN"))
    said = TEXTS.labels["account.help"].text.in_locale(after.locale)
    assert reply("greeting", text, after, NOTHING).text == said
    assert reply("greeting", text, found=NOTHING).text == TEXTS.labels["greeting"].text.zh
    refund = reply("greeting", text, replace(after, subject="content.refund"), NOTHING)
    assert refund.text == TEXTS.say("refund_asked", refund.locale)


@pytest.mark.parametrize("text", ["都交了五年了", "把它给退了"])
def test_behind_a_word_on_ending_a_policy_no_refund_of_a_course_is_begun(text: str) -> None:
    after = replace(FRESH, subject="insurance.cancel", told="insurance.cancel")
    turn = reply("content.refund", text, after, NOTHING)
    assert (turn.outcome, turn.session and turn.session.form) == ("no_answer", None)
    assert reply("content.refund", "那门课给我退了", after, NOTHING).outcome == "form"
    assert reply("content.refund", "那就退款", after, NOTHING).outcome == "form"


@pytest.mark.parametrize("text", ["我的保单也退掉", "退保！听见没", "surrender my policy"])
def test_a_policy_is_no_title(text: str) -> None:
    assert DIALOGUE.in_form(REFUND_ORDER, text) is None


def test_the_wish_once_more_is_no_reason() -> None:
    asked = replace(FRESH, form=FormState("refund", {"order": "A1"}, asked="reason"))
    assert DIALOGUE.in_form(asked, "你到底退不退") is None
    assert DIALOGUE.in_form(asked, "你倒是退呀") is None


def test_a_denial_said_twice_corrects_too() -> None:
    form = form_after(REFUND_CONFIRM, "不不不，是《园艺进阶》")
    assert form is not None
    assert form.slots["order"] == "园艺进阶"


@pytest.mark.parametrize("text", ["escalate", "please escalate", "i want you to escalate my case"])
def test_who_wants_it_escalated_wants_a_person(text: str) -> None:
    turn = DIALOGUE.before_model(text, "en")
    assert turn is not None
    assert turn.hand_off is not None
    assert DIALOGUE.before_model("prices escalate every year", "en") is None


@pytest.mark.parametrize("unit", ["帮我", "给我", "麻烦您", "hold on "])
def test_what_is_said_over_and_over_is_read_once(unit: str) -> None:
    assert DIALOGUE.in_form(REFUND_ORDER, unit * 300 + "。") is None
