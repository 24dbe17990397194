"""Several wishes of one text: told apart, answered one by one, and forms begun one after the other."""

from dataclasses import replace

import pytest

from services.intent.assist.found import Found
from services.intent.assist.session import FormState
from services.intent.assist.turns import behind
from services.intent.assist.wishes import parts_of, searched_for
from tests.unit.intent_assist.conversing import DIALOGUE, FRESH, PASSAGE, TEXTS, heard, in_form, reply

REFUND = reply("content.refund", "退掉昨天那门课")
LIFE = heard("insurance.quote")


@pytest.mark.parametrize(
    ("text", "parts", "plainly"),
    [
        ("把会员取消了然后帮我改密码", ["把会员取消了", "帮我改密码"], True),
        ("课怎么下载，顺便问下证书在哪领", ["课怎么下载", "问下证书在哪领"], True),
        ("please close my account and also refund the last order", ["please close my account", "refund the last order"], True),
        ("视频一直黑屏，另外帮我换绑邮箱", ["视频一直黑屏", "帮我换绑邮箱"], True),
        ("我要投保旅行险，帮我退掉那本书", ["我要投保旅行险", "帮我退掉那本书"], False),
        ("帮我退课，太难了，再给我报个寿险，我41", ["帮我退课，太难了", "给我报个寿险，我41"], True),
    ],
)  # fmt: skip
def test_a_text_is_taken_apart_where_each_part_is_a_wish(text: str, parts: list[str], plainly: bool) -> None:
    assert parts_of(text) == (parts, plainly)


@pytest.mark.parametrize(
    "text",
    [
        "我下了单然后页面白屏怎么办",
        "i paid and then nothing happened",
        "我要退款",
        "你好，我想换课",
        "您好，顺便帮我退课",
        "还有什么课可以退",
        "",
    ],
)
def test_a_tale_and_a_single_wish_stay_whole(text: str) -> None:
    assert len(parts_of(text)[0]) == 1


def test_who_wants_too_much_at_once_is_heard_as_a_whole() -> None:
    text = "帮我退课，然后帮我改密码，然后帮我开票，然后帮我换绑"
    assert parts_of(text) == ([text], False)


def test_a_second_form_waits_for_the_first_and_is_begun_behind_it() -> None:
    both = DIALOGUE.besides(REFUND, LIFE, "给我报个寿险")
    assert (both.text or "").startswith(TEXTS.form_phrases["both"].zh)
    assert both.session is not None
    assert both.session.form == FormState("refund", {}, asked="order")
    done = in_form(both.session, "B20261101", "重复购买了", "是")
    assert done.action is not None
    assert (done.outcome, done.action.type) == ("action", "refund.request")
    assert (done.text or "").endswith(TEXTS.forms["quote"].slots[1].ask.zh)
    assert done.session is not None
    assert done.session.form == FormState("quote", {"category": "life"}, asked="birth")
    assert done.session.wish is None
    assert done.session.sent


def test_a_form_that_is_called_off_calls_off_no_other_wish() -> None:
    both = DIALOGUE.besides(REFUND, LIFE, "给我报个寿险").session
    assert both is not None
    left = DIALOGUE.form_turns.next_wish(in_form(both, "不退了"))
    assert (left.outcome, left.session and left.session.form) == (
        "cancelled",
        FormState("quote", {"category": "life"}, asked="birth"),
    )
    assert left.session is not None
    ended = in_form(left.session, "取消")
    assert ended.session is not None
    assert ended.session.form is None


def test_the_same_form_twice_and_what_is_only_asked_about_wait_for_nothing() -> None:
    assert DIALOGUE.besides(REFUND, heard("content.refund"), "还要退那本书") == REFUND
    assert DIALOGUE.besides(REFUND, LIFE, "寿险多少钱？") == REFUND
    assert DIALOGUE.besides(REFUND, heard("account.help"), "改密码") == REFUND


def test_a_form_behind_an_answer_is_begun_at_once() -> None:
    answered = reply("account.help", "改密码")
    turn = DIALOGUE.besides(answered, heard("content.refund"), "帮我退掉那本书")
    assert (turn.text or "").startswith(answered.text or "-")
    assert turn.session is not None
    assert turn.session.form == FormState("refund", {}, asked="order")


def test_two_answers_are_one_turn_with_both_sources() -> None:
    first = reply("insurance.coverage", "重疾险等待期", found=Found((PASSAGE,), "hybrid"))
    turn = behind(first, reply("account.help", "改密码"))
    assert turn.citations == (PASSAGE.citation,)
    assert turn.text == f"{first.text}\n{TEXTS.labels['account.help'].text.zh}"


def test_an_older_folder_of_texts_says_nothing_of_both() -> None:
    older = replace(TEXTS, form_phrases={name: each for name, each in TEXTS.form_phrases.items() if name != "both"})
    assert older.say_in_form("both", "zh-CN") == ""


def test_money_back_for_a_policy_is_no_refund_of_a_course_besides() -> None:
    turn = reply("insurance.cancel", "end my cover and give me my money back", FRESH, Found((), "hybrid"))
    assert (turn.outcome, turn.session and turn.session.form) == ("template", None)


def test_what_was_offered_before_a_refund_that_is_wished_for_too_can_still_be_chosen() -> None:
    turn = reply("account.help", "怎么换绑邮箱，我要退款", found=Found((), "hybrid", (PASSAGE,)))
    assert turn.session is not None
    assert turn.session.form == FormState("refund", {}, asked="order")
    assert DIALOGUE.in_form(turn.session, "1") is None
    chosen = DIALOGUE.chosen(turn.session, "1")
    assert chosen is not None
    assert (chosen.outcome, chosen.citations) == ("knowledge", (PASSAGE.citation,))


def test_of_a_long_tale_what_asks_is_searched_for() -> None:
    tale = "您好，我是新来的学员，上个月儿子帮我装的软件，平时在家用平板听课，声音忽大忽小的，怎么调节音量啊"
    assert searched_for(tale) == "声音忽大忽小的，怎么调节音量啊"
    told = "i bought this tablet last summer from my neighbour, they set up everything for me, "
    told += "he is a lovely man, how do i turn on subtitles"
    assert searched_for(told) == "he is a lovely man, how do i turn on subtitles"
    assert searched_for("怎么调节音量") == "怎么调节音量"
    assert searched_for("很长" * 40) == "很长" * 40


def test_who_asks_for_another_form_within_one_hears_that_it_comes_next() -> None:
    turn = reply("insurance.quote", "定期寿险大概多少钱", replace(FRESH, form=FormState("refund", {}, asked="order")))
    assert turn.text == TEXTS.form_phrases["one_each"].zh + TEXTS.forms["refund"].slots[0].ask.zh


def test_a_letter_is_not_taken_apart() -> None:
    letter = "帮我退课，然后帮我改密码" + "，真的" * 200
    assert parts_of(letter) == ([letter], False)
    assert parts_of(" " * 2_000) == ([" " * 2_000], False)
