"""Texts without what tells who wrote them."""

import pytest

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
        ("30万，35岁，1992-05-17，1,200 元", "30万，35岁，[number]，1,200 元"),
    ],
)
def test_what_tells_who_somebody_is_is_masked(text: str, mask: str) -> None:
    assert masked(text) == mask
