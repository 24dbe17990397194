"""Amounts of money: 12万, 5k, 1,200 元, 1.5 million, 三十万, $200."""

import re
from dataclasses import dataclass
from decimal import Decimal

from services.intent.assist.values.numerals import with_digits
from services.intent.assist.words import folded

LARGEST = Decimal(10) ** 12

_UNITS = {
    "万": 10**4, "w": 10**4, "百万": 10**6, "千万": 10**7, "亿": 10**8, "千": 10**3, "k": 10**3, "thousand": 10**3, "grand": 10**3,
    "m": 10**6, "mio": 10**6, "million": 10**6, "mn": 10**6, "billion": 10**9, "bn": 10**9,
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


_AMOUNT = re.compile(
    rf"(?P<before>{_either(_CURRENCIES)})?\s*(?<![\d.,/-])(?P<number>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    rf"(?![\d/-]|\s*(?:周?岁|years?|yrs?|y/?o\b|年|月|日|号|个月|%))\s*(?P<unit>{_either(_UNITS)})?(?![a-z])\s*(?P<half>半)?(?P<rest>(?<=万)\d(?![\d万千.]))?\s*(?P<after>{_either(_CURRENCIES)})?(?![a-z])"
)


@dataclass(frozen=True, slots=True)
class Amount:
    """`currency` is an ISO 4217 code, None when the text names none."""

    value: Decimal
    currency: str | None

    def document(self) -> dict[str, str | None]:
        return {"amount": format(self.value.normalize(), "f"), "currency": self.currency}


def amount(text: str, *, bare: bool) -> Amount | None:
    """The one amount of a text, None where there is none or several. `bare`: a number without unit or currency counts too."""
    found = [each for match in _AMOUNT.finditer(with_digits(folded(text))) if (each := _read(match, bare=bare))]
    return found[0] if len(set(found)) == 1 else None


def _read(match: re.Match[str], *, bare: bool) -> Amount | None:
    unit, currency = match["unit"], match["before"] or match["after"]
    if not bare and unit is None and currency is None:
        return None
    times = _UNITS[unit] if unit else 1
    value = Decimal(match["number"].replace(",", "")) * times + (times // 2 if match["half"] else 0)
    value += int(match["rest"] or 0) * times // 10  # 3万5 is 35,000
    return Amount(value, _CURRENCIES[currency] if currency else None) if 0 < value <= LARGEST else None
