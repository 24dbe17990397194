"""What a trained model reads in the place of what was typed."""

import pytest

from services.intent.trained.written_form import with_role, written_form


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("  How do I\n get\tin? ", "How do I get in?"),
        ("ＡＢ　　课程", "AB 课程"),
        ("", ""),
        (" \n", ""),
        ("🙂 42!", "🙂 42!"),
    ],
)
def test_width_and_blanks_are_evened_out(typed: str, read: str) -> None:
    assert written_form(typed) == read


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("I WANT MY MONEY BACK NOW!!", "i want my money back now!!"),
        ("WHERE IS MY ORDER no 12", "where is my order no 12"),
        ("ＲＥＦＵＮＤ", "refund"),
        ("ETF是啥", "etf是啥"),
    ],
)
def test_what_is_shouted_is_read_in_lower_case(typed: str, read: str) -> None:
    assert written_form(typed) == read


@pytest.mark.parametrize("typed", ["I want an ETF", "我想开个VIP", "McAfee iOS App", "A股能买吗", "Is my APR too high"])
def test_a_capital_here_and_there_stays(typed: str) -> None:
    assert written_form(typed) == typed


def test_what_is_asked_and_what_answers_are_told_apart() -> None:
    assert with_role("REFUND  RULES", "passage") == "passage: refund rules"
    assert with_role("退款", "query") == "query: 退款"
