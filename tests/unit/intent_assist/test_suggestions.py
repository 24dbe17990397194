"""Passages that come near are offered by their headings, and shown to who chooses one."""

from dataclasses import replace

import pytest

from services.intent.assist.found import Citation, Found, Passage
from services.intent.assist.session import FormState, Session
from services.intent.assist.values.choices import choice, chooses_none
from tests.unit.intent_assist.conversing import DIALOGUE, FRESH, TEXTS, reply


def passage(section: str, quote: str) -> Passage:
    return Passage(quote, Citation("d", 1, 1, "帮助中心", section, None, 0.3))


EXPIRY, TEST = passage("帮助 › 课时有效期", "12 个月有效。"), passage("帮助 › 水平测试", "20 分钟。")
NEAR = Found((), "hybrid", (EXPIRY, TEST))


def offered(session: Session = FRESH) -> Session:
    turn = reply("content.ask", "课包多久过期", session, NEAR)
    assert turn.session is not None
    return turn.session


def test_what_comes_near_is_offered_by_heading_and_not_quoted() -> None:
    turn = reply("content.ask", "课包多久过期", found=NEAR)
    assert (turn.outcome, turn.text) == (
        "suggestions",
        f"{TEXTS.say('suggestions', 'zh-CN')}\n1. 课时有效期\n2. 水平测试",
    )
    assert turn.citations == (EXPIRY.citation, TEST.citation)
    assert EXPIRY.quote not in (turn.text or "")


def test_the_text_of_the_label_comes_first_where_there_is_one() -> None:
    turn = reply("account.help", "怎么换绑", found=NEAR)
    assert (turn.text or "").startswith(TEXTS.labels["account.help"].text.zh + "\n")
    assert turn.session is not None
    again = reply("account.help", "怎么换绑邮箱", turn.session, NEAR)
    assert (again.text or "").startswith(TEXTS.say("suggestions", "zh-CN"))


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("1", "12 个月"),
        ("第二个", "20 分钟"),
        ("看2", "20 分钟"),
        ("the first one", "12 个月"),
        ("水平测试？", "20 分钟"),
    ],
)
def test_the_one_that_is_chosen_is_quoted(text: str, quote: str) -> None:
    turn = DIALOGUE.chosen(offered(), text)
    assert turn is not None
    assert (turn.outcome, turn.retrieval, quote in (turn.text or "")) == ("knowledge", "hybrid", True)
    assert turn.session is not None
    assert (turn.session.offered, turn.session.unanswered) == (None, 0)


def test_of_one_alone_yes_chooses_it_and_of_several_it_chooses_none() -> None:
    alone = reply("content.ask", "课包多久过期", found=Found((), "hybrid", (EXPIRY,))).session
    assert alone is not None
    turn = DIALOGUE.chosen(alone, "好的")
    assert turn is not None
    assert turn.citations == (EXPIRY.citation,)
    assert DIALOGUE.chosen(offered(), "好的") is None
    assert DIALOGUE.chosen(offered(), "3") is None
    assert DIALOGUE.chosen(FRESH, "1") is None


@pytest.mark.parametrize("text", ["都不是", "不是这个", "none of these", "neither"])
def test_who_chooses_none_is_not_offered_the_same_for_ever(text: str) -> None:
    turn = DIALOGUE.chosen(offered(), text)
    assert turn is not None
    assert (turn.outcome, turn.text) == ("unsure", TEXTS.say("not_helped", "zh-CN"))
    assert chooses_none(text)
    second = offered(offered())
    assert second.unanswered == 1
    third = reply("content.ask", "那到底多久", second, NEAR)
    assert third.hand_off is not None
    assert third.hand_off.reason == "no_answer"


def test_a_form_is_not_interrupted_by_an_offer_and_a_price_is_asked_of_the_form() -> None:
    form = replace(FRESH, form=FormState("refund", {}, asked="order"))
    assert reply("content.ask", "要多久", form, NEAR).outcome == "no_answer"
    assert reply("insurance.quote", "重考险多少钱", found=NEAR).outcome == "form"
    assert reply("content.refund", "能帮我退一下不", found=NEAR).outcome == "form"
    assert reply("content.refund", "退的钱啥时候到", found=NEAR).outcome == "suggestions"


def test_two_pieces_of_one_section_are_offered_once() -> None:
    more = passage("帮助 › 课时有效期", "可以延期。")
    turn = reply("content.ask", "课包多久过期", found=Found((), "hybrid", (EXPIRY, more)))
    assert turn.citations == (EXPIRY.citation,)


def test_a_number_beyond_the_offer_and_a_sentence_choose_nothing() -> None:
    assert choice("2个月行吗", ["a", "b"]) is None
    assert choice("9", ["a", "b"]) is None
    assert choice("a", ["a", "a"]) is None
