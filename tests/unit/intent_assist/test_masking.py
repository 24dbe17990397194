"""Texts without what tells who wrote them, and questions put together by what they ask."""

import pytest

from services.intent.assist.clusters import clusters_of
from services.intent.assist.knowledge.bm25 import load_common
from services.intent.assist.masking import masked


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        ("打我13812345678", "打我[phone]"),
        ("+86 138-1234-5678 please", "[phone] please"),
        ("call 010-62345678", "call [phone]"),
        ("身份证11010519491231002X", "身份证[id]"),
        ("mail a.b+c@x-y.co.uk now", "mail [email] now"),
        ("卡号6222 0212 3456 7890 123", "卡号[number]"),
        ("微信号abc_12345", "微信[account]"),
        ("QQ 123456789", "QQ[account]"),
        ("订单20261125001", "订单[number]"),
        ("30万，35岁，1992-05-17，1,200 元", "30万，35岁，[number]，1,200 元"),
    ],
)
def test_what_tells_who_somebody_is_is_masked(text: str, mask: str) -> None:
    assert masked(text) == mask


def test_questions_that_ask_the_same_are_one_cluster_with_masked_examples() -> None:
    questions = [
        "can I cast lessons to my tv",
        "车险你们卖吗",
        "how do I cast to the tv, mail me at a@b.co",
        "cast lessons on tv?",
    ]
    first, second = clusters_of(questions, load_common(), limit=5)
    assert (first.count, second.count) == (3, 1)
    assert first.representative in first.examples
    assert "how do I cast to the tv, mail me at [email]" in first.examples
    assert second.representative == "车险你们卖吗"


def test_no_questions_are_no_clusters() -> None:
    assert clusters_of([], load_common(), limit=5) == []
