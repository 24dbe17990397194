"""What people write for an age, a date, an amount, a place, in both languages."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.intent.assist.values.amounts import Amount, amount
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
        ("one and a half million", "1.5 million"),
        ("a and a half million", "a and a half million"),
        ("this one for my two kids", "this one for my two kids"),
        ("often, hundreds, in my fifties, a year", "often, hundreds, in my fifties, a year"),
    ],
)
def test_english_numerals_but_for_lone_words_below_ten(text: str, digits: str) -> None:
    assert with_digits(text) == digits


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("35岁", Birth(age=35)),
        ("三十五岁", Birth(age=35)),
        ("我爸今年68了", Birth(age=68)),
        ("I'm 35", Birth(age=35)),
        ("I'm fifty-three", Birth(age=53)),
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
        "爸六十三妈六十",
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
        ("for the little one", None),
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
    ],
)
def test_an_amount_is_read_with_its_unit_and_currency(text: str, value: str, currency: str | None) -> None:
    assert amount(text, bare=False) == Amount(Decimal(value), currency)


@pytest.mark.parametrize("text", ["10万到20万", "35岁", "1992-05-17", "300", "0元", "保密"])
def test_two_amounts_or_none_are_none(text: str) -> None:
    assert amount(text, bare=False) is None


@pytest.mark.parametrize("text", ["我35岁", "she is 33 years old", "1992年", "30%"])
def test_an_age_a_year_and_a_share_are_no_amount_even_when_one_was_asked_for(text: str) -> None:
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
    ],
)
def test_a_region_is_a_code(text: str, code: str | None) -> None:
    assert load_names().regions.code(text) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [("给爸爸买重疾险", "critical-illness"), ("百万医疗", "medical"), ("travel insurance", "travel"), ("保险", None)],
)
def test_a_kind_of_insurance_is_a_topic(text: str, code: str | None) -> None:
    assert load_names().categories.code(text) == code


def test_every_kind_of_insurance_is_a_topic_of_products() -> None:
    from services.intent.labels import PRODUCT_TOPICS

    categories: Any = set(load_names().categories.codes.values())
    assert categories <= set(PRODUCT_TOPICS)
