"""Amounts of money: 12万, 5k, 1,200 元, 1.5 million, 三十万, $200."""

import re
from dataclasses import dataclass
from decimal import Decimal

from services.intent.assist.reading import folded
from services.intent.assist.values.numerals import with_digits

LARGEST = Decimal(10) ** 12

_UNITS = {
    "万": 10**4, "w": 10**4, "百万": 10**6, "千万": 10**7, "亿": 10**8, "千": 10**3, "k": 10**3, "thousand": 10**3,
    "thou": 10**3, "grand": 10**3, "lakh": 10**5, "m": 10**6,
    "mio": 10**6, "mil": 10**6, "mill": 10**6, "million": 10**6, "mn": 10**6, "billion": 10**9, "bn": 10**9,
}  # fmt: skip
_CURRENCIES = {
    "元": "CNY", "块": "CNY", "块钱": "CNY", "人民币": "CNY", "rmb": "CNY", "cny": "CNY", "yuan": "CNY", "¥": "CNY",
    "$": "USD", "usd": "USD", "美元": "USD", "美金": "USD", "dollar": "USD", "dollars": "USD", "us$": "USD",
    "hkd": "HKD", "港币": "HKD", "港元": "HKD", "hk$": "HKD", "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR", "欧元": "EUR",
    "£": "GBP", "gbp": "GBP", "pound": "GBP", "pounds": "GBP", "英镑": "GBP",
    "sgd": "SGD", "s$": "SGD", "新币": "SGD", "新元": "SGD", "坡币": "SGD", "aud": "AUD", "a$": "AUD", "澳元": "AUD", "澳币": "AUD",
    "cad": "CAD", "加元": "CAD", "加币": "CAD", "jpy": "JPY", "日元": "JPY", "日币": "JPY", "yen": "JPY", "twd": "TWD", "台币": "TWD",
    "myr": "MYR", "ringgit": "MYR", "令吉": "MYR", "thb": "THB", "baht": "THB", "泰铢": "THB", "krw": "KRW", "韩元": "KRW",
}  # fmt: skip


def _either(names: dict[str, int] | dict[str, str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_AMOUNT = re.compile(
    rf"(?P<before>{_either(_CURRENCIES)})?\s*(?<!\d)(?<!\d[.,/-])(?<![./-])(?P<number>{_NUMBER})"
    rf"(?![\d-]|[/.]\d|\s*(?:周?岁|years?|yrs?|y/?o\b|年|月|日|号|个月|%))\s*(?P<unit>{_either(_UNITS)})?(?![a-z])\s*(?P<half>半)?(?P<rest>(?<=万)\d(?![\d万千.]))?\s*(?P<after>{_either(_CURRENCIES)})?(?![a-z])"
)
_LOOSE = re.compile(r"(?<=\d)\s*(?:多|来|几|余|个)(?=\s*(?:百万|千万|[万亿wk](?![a-z])))")
"""30多万, 一个亿: about how much was asked for, and its unit stands behind."""
_EACH = rf"\d+(?:\.\d+)?\s*(?:{_either(_UNITS)})?\s*(?:{_either(_CURRENCIES)})?"
_RANGE = re.compile(
    rf"(?<![\d.,/-]){_EACH}\s*(?:-+|~+|—+|到|至|to|or|或者?)\s*\d+(?:\.\d+)?\s*(?:{_either(_UNITS)}|{_either(_CURRENCIES)})"
)
"""250k-300k, 50~100万."""
_GOES_ON = re.compile(r"\s*(?:多|几|余|[十百千]|crore)| \d")
"""A number alone that is not at its end: 30多, 5百三, 50 0000."""
_OTHER_MONEY = re.compile(
    r"(?:预算|保费|(?:每|一|(?<!\d)1)个?[年月]|年[交缴]|月[交缴薪入供]|年薪|收入|工资|薪水|存款|[房车]贷|贷款|借款|欠"
    r"|你们?(?:上次|刚才|之前|不是)*说"
    r"|(?<![a-z])(?:you said|budget|premium|salary|income|earn(?:s|ing)?|mortgage|loan|debt|owe|rent|i (?:make|pay|paid))(?![a-z]))"
    r"[^,。;\n]{0,16}$"
)
_PER_TIME = re.compile(
    r"\s*(?:以内|以下|左右)?\s*(?:的?(?:保费|预算|年薪|月薪|收入|贷款|房贷)|[/每一1]\s*个?[年月]"
    r"|(?:/|an? |per |every )\s*(?:year|yr|month|mo|annum)(?![a-z])|(?:annually|monthly|salary|mortgage|loan|premium)(?![a-z]))"
)
_COVER = re.compile(r"保额|额度|保障|(?<![a-z])(?:sum|cover(?:age)?)(?![a-z])")
"""A budget, an income or a debt is no sum insured; behind the word for it, what follows is."""
_REACH = 40
"""Characters before a sum in which the word for it stands."""
_LEAST_BARE = 100
"""Nobody is insured for less: 50 alone may be half a million, and is asked for again."""


@dataclass(frozen=True, slots=True)
class Amount:
    """`currency` is an ISO 4217 code, None when the text names none."""

    value: Decimal
    currency: str | None

    def document(self) -> dict[str, str | None]:
        return {"amount": format(self.value.normalize(), "f"), "currency": self.currency}


def amount(text: str, *, bare: bool) -> Amount | None:
    """The one amount of a text, None where there is none or several, and none of a budget, an income or a debt.

    `bare`: a number without unit or currency counts too.
    """
    heard = _LOOSE.sub("", with_digits(folded(text)))
    if _RANGE.search(heard):
        return None
    matches = [each for each in _AMOUNT.finditer(heard) if not _is_other_money(each)]
    found = [each for match in matches if (each := _read(match, bare=bare))]
    return found[0] if len(set(found)) == 1 else None


def is_other_money(text: str) -> bool:
    """Whether all the sums of a text are of a budget, an income or a debt."""
    matches = list(_AMOUNT.finditer(_LOOSE.sub("", with_digits(folded(text)))))
    return bool(matches) and all(_is_other_money(each) for each in matches)


def _is_other_money(match: re.Match[str]) -> bool:
    start, at = match.start("number"), match.end()
    before = match.string[max(0, start - _REACH) : start]
    covered = max((each.end() for each in _COVER.finditer(before)), default=0)
    return _OTHER_MONEY.search(before[covered:]) is not None or _PER_TIME.match(match.string, at) is not None


def _read(match: re.Match[str], *, bare: bool) -> Amount | None:
    unit, currency = match["unit"], match["before"] or match["after"]
    plain = unit is None and currency is None
    if plain and (not bare or _GOES_ON.match(match.string, match.end("number"))):
        return None
    times = _UNITS[unit] if unit else 1
    value = Decimal(match["number"].replace(",", "")) * times + (times // 2 if match["half"] else 0)
    value += int(match["rest"] or 0) * times // 10  # 3万5 is 35,000
    if plain and value < _LEAST_BARE:
        return None
    return Amount(value, _CURRENCIES[currency] if currency else None) if 0 < value <= LARGEST else None
