"""Texts without what tells who wrote them."""

import pytest

from services.intent.assist.masking import masked, put_aside


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("身份证11010519491231002X，手机13812345678", "身份证[id]，手机[phone]"),
        ("id 110105 19491231 002x", "id [id]"),
        ("call +44 7911 123456 or (415) 555-2671", "call [phone] or [phone]"),
        ("座机010-62345678", "座机[phone]"),
        ("卡号4111 1111 1111 1111", "卡号[card]"),
        ("卡号6222021234567890128", "卡号[card]"),
    ],
)
def test_a_message_is_taken_without_identity_card_and_phone_numbers(text: str, kept: str) -> None:
    assert put_aside(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "订单20261129001",
        "order 202611290001234567",
        "订单 4111111111111112",
        "1992-05-17",
        "保额1,200,000",
        "30万",
        "打12315",
        "A13812345678901",
    ],
)
def test_orders_dates_and_amounts_stay_in_a_message(text: str) -> None:
    assert put_aside(text) == text


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
        ("我叫王小明，想退款", "我叫[name]，想退款"),
        ("我叫王明我想退款", "我叫[name]我想退款"),
        ("你好，我叫小丽", "你好，我叫[name]"),
        ("本人欧阳娜娜要投诉", "本人[name]要投诉"),
        ("姓名：李雷 电话13812345678", "姓名[name] 电话[phone]"),
        ("联系人是韩梅梅", "联系人[name]"),
        ("我是张伟，昨天买的课", "我是[name]，昨天买的课"),
        ("我是高中生，能买吗", "我是高中生，能买吗"),
        ("我是会员", "我是会员"),
        ("我叫不到人工", "我叫不到人工"),
        ("王先生让我来问", "[name]先生让我来问"),
        ("My name is John Smith and I want a refund", "My name is [name] and I want a refund"),
        ("my name is john, help", "my name is [name], help"),
        ("I'm John Smith from Leeds", "I'm [name] from Leeds"),
        ("I’m Mary Ann Lee", "I’m [name]"),
        ("this is Wei Zhang", "this is [name]"),
        ("I'm Chinese, can I buy", "I'm Chinese, can I buy"),
        ("I am not sure", "I am not sure"),
        ("ask Mr. Brown about Mrs Li", "ask Mr. [name] about Mrs [name]"),
        ("卡号,6222021234567890123", "卡号,[number]"),
        ("卡号6222021234567890123,5000元", "卡号[number],5000元"),
        ("卡号6222 0212 3456 7890 123,5000元", "卡号[number],5000元"),
        ("付5000,6222021234567890123", "付5000,[number]"),
        ("护照E12345678", "护照E[number]"),
        ("tel13800138000", "tel[phone]"),
        ("PA2024123456", "PA[number]"),
        ("保单12345678,5000元", "保单[number],5000元"),
        ("流水2026112522001412345678901234", "流水[number]"),
        ("１３８１２３４５６７８", "[number]"),
        ("保额1,234,567.00元", "保额1,234,567.00元"),
        ("保额1234567.00元", "保额1234567.00元"),
        ("1,234,567 2026", "1,234,567 2026"),
        ("王小明先生让我来问", "[name]先生让我来问"),
        ("请任何女士回电", "请任何女士回电"),
        ("call me back please", "call me back please"),
        ("call me on monday", "call me on monday"),
        ("Call me Monday", "Call me Monday"),
        ("just call me anna", "just call me [name]"),
        ("本人曾多次投诉", "本人曾多次投诉"),
        ("本人于上周购买", "本人于上周购买"),
        ("本人向贵公司投诉", "本人向贵公司投诉"),
        ("本人方便时回电", "本人方便时回电"),
        ("本人郑重声明", "本人郑重声明"),
        ("本人老师，想买", "本人老师，想买"),
        ("我叫于小明，想退款", "我叫[name]，想退款"),
        ("30万，35岁，1992-05-17，1,200 元", "30万，35岁，[number]，1,200 元"),
    ],
)
def test_what_tells_who_somebody_is_is_masked(text: str, mask: str) -> None:
    assert masked(text) == mask


@pytest.mark.parametrize("text", ["i'm john smith", "this is wei zhang", "ask mr lee", "王小明昨天买的课"])
def test_names_in_lower_case_or_only_standing_there_are_missed(text: str) -> None:
    assert masked(text) == text
