"""What of a find answers: a passage on the same words and another wish is offered by its heading, and not quoted."""

import pytest

from services.intent.assist.answering import of_the_wish
from services.intent.assist.found import Citation, Found, Passage
from tests.unit.intent_assist.conversing import FRESH, reply


def found(section: str, quote: str, *more: Passage) -> Found:
    return Found((Passage(quote, Citation("d", 1, 1, "帮助", section, None, 0.9)), *more), "hybrid")


HOW_TO_ORDER = found("怎么申请收据", "在订单页点申请，填写单位名称。")


@pytest.mark.parametrize(
    ("text", "section", "quote"),
    [
        ("收据上单位名称填错了", "怎么申请收据", "在订单页点申请，填写单位名称。"),
        ("证书的姓名有误", "结业证书", "学完全部课时后下载。"),
        ("the title on my receipt is wrong", "Receipts", "Ask for one on the orders page."),
        ("把意外险停了吧", "意外险的生效时间", "付款后次日零点生效。"),
        ("cancel my travel policy", "What travel cover pays", "Lost luggage and delays."),
        ("提示没有权限", "离线缓存", "点下载，三十天内可以看。"),
        ("says access denied", "Offline lessons", "Download them first."),
        ("赎回收费吗", "赎回到账", "三个工作日到账。"),
    ],
)
def test_a_passage_that_never_speaks_of_the_wish_is_offered_and_not_quoted(text: str, section: str, quote: str) -> None:
    turn = reply("order.status", text, found=found(section, quote))
    assert (turn.outcome, quote in (turn.text or "")) == ("suggestions", False)
    assert section in (turn.text or "")


@pytest.mark.parametrize(
    ("text", "section", "quote"),
    [
        ("收据上单位名称填错了", "收据开错", "三十天内可以作废重开。"),
        ("怎么申请收据", "怎么申请收据", "在订单页点申请。"),
        ("把意外险停了吧", "停保", "在我的保单里申请。"),
        ("the title on my receipt is wrong", "Receipts", "It can be corrected within 30 days."),
        ("赎回收费吗", "赎回", "持有七天以上免费。"),
    ],
)
def test_a_passage_that_does_is_quoted(text: str, section: str, quote: str) -> None:
    assert reply("order.status", text, found=found(section, quote)).outcome == "knowledge"


def test_the_next_passage_that_speaks_of_the_wish_is_quoted_in_its_place() -> None:
    correct = found("收据更正", "联系客服作废后重开。").passages[0]
    turn = of_the_wish(found("怎么申请收据", "在订单页点申请。", correct), "收据开错了")
    assert turn is not None
    assert [each.citation.section for each in turn.passages] == ["收据更正"]
    assert [each.citation.section for each in turn.near] == ["怎么申请收据"]
    assert of_the_wish(None, "收据开错了") is None


def test_what_is_no_insurance_is_not_answered_out_of_a_passage_on_one() -> None:
    deductible = found("意外险的免赔额", "每次 100 元。")
    assert reply("promo.ask", "能免一点吗", found=deductible).outcome == "template"
    assert reply("promo.ask", "意外险能免一点吗", found=deductible).outcome == "knowledge"


@pytest.mark.parametrize(
    ("text", "section", "quote"),
    [
        ("医疗险一年多少钱", "医疗险的免赔额", "一年的免赔额是 8,000 元。"),
        ("how much is medical cover", "Medical cover", "The deductible is 500 a year."),
    ],
)
def test_what_is_borne_in_a_year_is_no_price(text: str, section: str, quote: str) -> None:
    assert reply("insurance.quote", text, found=found(section, quote)).outcome == "form"


def test_a_price_is_one_whatever_unit_stands_behind_it() -> None:
    priced = found("学费险", "每月只要 12 元。")
    assert reply("insurance.quote", "学费险多少钱", FRESH, priced).outcome == "knowledge"
