"""What people write for an age, a date, an amount, a place, in both languages."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.intent.assist.values.amounts import Amount, amount, is_other_money
from services.intent.assist.values.births import Birth, birth
from services.intent.assist.values.numerals import number, with_digits
from services.intent.assist.values.places import load_names

TODAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("numeral", "value"),
    [
        ("三十五", 35),
        ("十二", 12),
        ("两百", 200),
        ("一九九二", 1992),
        ("三百零五", 305),
        ("三百五", 350),
        ("五千", 5000),
        ("一百二十", 120),
    ],
)
def test_chinese_numerals(numeral: str, value: int) -> None:
    assert number(numeral) == value


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("fifty-three", "53"),
        ("fifty three and eighteen", "53 and 18"),
        ("two hundred and fifty thousand", "250 thousand"),
        ("a hundred", "100"),
        ("a million, one million", "1 million, 1 million"),
        ("half a million", "0.5 million"),
        ("half mil", "0.5 mil"),
        ("5百万，3千块，2百", "500万，3000块，200"),
        ("五六岁，两三万，十五六万，几十万", "五六岁，两三万，十五六万，几十万"),
        ("二十五岁半，八九年，三五", "25岁半，89年，35"),
        ("one and a half million", "1.5 million"),
        ("a and a half million", "a and a half million"),
        ("this one for my two kids", "this one for my two kids"),
        ("often, hundreds, in my fifties, a year", "often, hundreds, in my fifties, a year"),
    ],
)
def test_numerals_but_for_lone_words_below_ten_and_what_names_no_one_number(text: str, digits: str) -> None:
    assert with_digits(text) == digits


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("35岁", Birth(age=35)),
        ("三十五岁", Birth(age=35)),
        ("我爸今年68了", Birth(age=68)),
        ("I'm 35", Birth(age=35)),
        ("I'm fifty-three", Birth(age=53)),
        ("travel insurance for me, 29, based in Singapore", Birth(age=29)),
        ("im 41 and live in london", Birth(age=41)),
        ("she is Forty Two years old", Birth(age=42)),
        ("a 30 years old woman", Birth(age=30)),
        ("age is 41", Birth(age=41)),
        ("宝宝5个月", Birth(age=0)),
        ("1992-05-17", Birth(day=date(1992, 5, 17))),
        ("1992年5月17日", Birth(day=date(1992, 5, 17))),
        ("92年5月17号", Birth(day=date(1992, 5, 17))),
        ("08年1月2日", Birth(day=date(2008, 1, 2))),
        ("19920517", Birth(day=date(1992, 5, 17))),
        ("17 May 1992", Birth(day=date(1992, 5, 17))),
        ("May 17th, 1992", Birth(day=date(1992, 5, 17))),
        ("05/17/1992", Birth(day=date(1992, 5, 17))),
        ("17/05/1992", Birth(day=date(1992, 5, 17))),
        ("我是88年的", Birth(year=1988)),
        ("born in 1990", Birth(year=1990)),
        ("born 88", Birth(year=1988)),
        ("她五十八", Birth(age=58)),
        ("等等，我妈是59", Birth(age=59)),
        ("shes fifty nine", Birth(age=59)),
        ("accident cover, she's six, in London", Birth(age=6)),
        ("重疾险，35岁，上海", Birth(age=35)),
        ("保20年的定期寿险，35岁", Birth(age=35)),
        ("92年5月", Birth(year=1992)),
        ("88.5.17", Birth(day=date(1988, 5, 17))),
        ("5/17/92", Birth(day=date(1992, 5, 17))),
        ("born 17 may 92", Birth(day=date(1992, 5, 17))),
        ("1992, May 17", Birth(day=date(1992, 5, 17))),
        ("05/1992", Birth(year=1992)),
    ],
)
def test_an_age_is_read_from_what_says_it(text: str, found: Birth) -> None:
    assert birth(text, today=TODAY, bare=False) == found


@pytest.mark.parametrize(
    "text",
    [
        "05/06/1992",
        "90后",
        "2030-01-01",
        "1992-02-30",
        "200岁",
        "1850-01-01",
        "保额50万",
        "35",
        "30k",
        "还我50",
        "I'm 5 minutes late",
        "爸六十三妈六十",
        "一家三口，32、31和5岁",
        "我跟我老公都想买重疾他三十八我三十六",
        "五六岁",
        "三四岁的孩子",
        "30到40岁",
        "保20年的定期寿险报价",
        "交20年的重疾险",
        "2020年买过一份重疾险",
        "预算一年2000",
        "she 2000 yuan",
    ],
)
def test_what_is_no_age_or_two_is_none(text: str) -> None:
    assert birth(text, today=TODAY, bare=False) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("35", Birth(age=35)),
        ("是35", Birth(age=35)),
        ("六十二", Birth(age=62)),
        ("我今年五十有二", Birth(age=52)),
        ("she's six", Birth(age=6)),
        ("wait, she turns 7 tmrw", Birth(age=7)),
        ("about 40 i think", Birth(age=40)),
        ("50万", None),
        ("200", None),
        ("10 grand", None),
        ("30k", None),
        ("我有2个孩子", None),
        ("i have two kids", None),
        ("going to japan for 7 days", None),
        ("one is 61 other is 58", None),
        ("九〇年", Birth(year=1990)),
        ("1958", Birth(year=1958)),
        ("三十多", None),
        ("thirty something", None),
        ("30出头", None),
        ("未满18", None),
        ("奔四", None),
        ("in my 30s", None),
        ("may 92", None),
        ("for the little one", None),
        ("你们一定要赔给我", None),
        ("一般吧", None),
        ("万一病了呢", None),
        ("三十一", Birth(age=31)),
    ],
)
def test_a_bare_number_is_an_age_when_one_was_asked_for(text: str, found: Birth | None) -> None:
    assert birth(text, today=TODAY, bare=True) == found


@pytest.mark.parametrize(
    ("text", "value", "currency"),
    [
        ("12万", "120000", None),
        ("5k", "5000", None),
        ("1,200 元", "1200", "CNY"),
        ("1.5 million", "1500000", None),
        ("三十万", "300000", None),
        ("50w", "500000", None),
        ("$200", "200", "USD"),
        ("两百万元", "2000000", "CNY"),
        ("3万5", "35000", None),
        ("3万半", "35000", None),
        ("50万港币", "500000", "HKD"),
        ("50k SGD", "50000", "SGD"),
        ("50万日元", "500000", "JPY"),
        ("about 20 pounds", "20", "GBP"),
        ("half a million yuan", "500000", "CNY"),
        ("one and a half million", "1500000", None),
        ("a hundred thousand dollars", "100000", "USD"),
        ("1.5w", "15000", None),
        ("5百万", "5000000", None),
        ("3千块", "3000", "CNY"),
        ("30多万", "300000", None),
        ("一个亿", "100000000", None),
        ("半个亿", "50000000", None),
        ("上海，100万", "1000000", None),
        ("half a mil", "500000", None),
        ("10 lakh", "1000000", None),
        ("年收入20万，保额100万", "1000000", None),
        ("1992-05-17，保额30万", "300000", None),
    ],
)
def test_an_amount_is_read_with_its_unit_and_currency(text: str, value: str, currency: str | None) -> None:
    assert amount(text, bare=False) == Amount(Decimal(value), currency)


@pytest.mark.parametrize(
    "text",
    ["10万到20万", "50~100万", "250k-300k", "两三万", "50万，不，100万", "35岁", "1992-05-17", "300", "0元", "保密"],
)
def test_two_amounts_or_none_are_none(text: str) -> None:
    assert amount(text, bare=False) is None


@pytest.mark.parametrize("text", ["我35岁", "she is 33 years old", "1992年", "30%"])
def test_an_age_a_year_and_a_share_are_no_amount_even_when_one_was_asked_for(text: str) -> None:
    assert amount(text, bare=True) is None


@pytest.mark.parametrize(
    "text",
    [
        "预算一年2000块",
        "你上次说2000块",
        "you said 200 dollars",
        "每年交6000元",
        "一个月100块以内",
        "年收入30万",
        "贷款50万",
        "I earn 100k a year",
        "$50/month",
    ],
)
def test_a_budget_an_income_or_a_debt_is_no_sum_insured(text: str) -> None:
    assert amount(text, bare=True) is None
    assert is_other_money(text)
    assert not is_other_money("50万")


@pytest.mark.parametrize("text", ["50", "30多", "50 0000", "1 200 000", "5百三"])
def test_a_number_that_is_not_all_of_it_is_asked_for_again(text: str) -> None:
    assert amount(text, bare=True) is None


def test_an_amount_is_written_without_an_exponent() -> None:
    found = amount("1亿元", bare=False)
    assert found is not None
    assert found.document() == {"amount": "100000000", "currency": "CNY"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("我在上海", "CN-SH"),
        ("shenzhen", "CN-GD"),
        ("广东深圳", "CN-GD"),
        ("Hong Kong", "CN-HK"),
        ("北京或者上海", None),
        ("朝阳", None),
        ("昆山", "CN-JS"),
        ("spain in europe", "ES"),
        ("我不住北京", None),
        ("不是北京，是上海", "CN-SH"),
        ("北京改上海", "CN-SH"),
        ("change Beijing to Shanghai", "CN-SH"),
    ],
)
def test_a_region_is_a_code(text: str, code: str | None) -> None:
    assert load_names().regions.code(text) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("给爸爸买重疾险", "critical-illness"),
        ("百万医疗", "medical"),
        ("travel insurance", "travel"),
        ("保险", None),
        ("不要重疾险", None),
        ("要不要重疾险", "critical-illness"),
    ],
)
def test_a_kind_of_insurance_is_a_topic(text: str, code: str | None) -> None:
    assert load_names().categories.code(text) == code


def test_every_kind_of_insurance_is_a_topic_of_products() -> None:
    from services.intent.labels import PRODUCT_TOPICS

    categories: Any = set(load_names().categories.codes.values())
    assert categories <= set(PRODUCT_TOPICS)
