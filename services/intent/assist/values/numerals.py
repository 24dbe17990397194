"""Numerals as digits: 三十五, 十二万, 两百, fifty-three, two hundred, half a million."""

import re
from decimal import Decimal

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "俩": 2}
_UNITS = {"十": 10, "百": 100, "千": 1_000}
_NUMERALS = "零〇一二两俩三四五六七八九十百千"
_RUN = re.compile(rf"(?<![\d几数{_NUMERALS}])[{_NUMERALS}]+")
_MIXED = re.compile(rf"(?<![\d.])(\d+(?:\.\d+)?)\s*([十百千])(?![{_NUMERALS}])")
"""5千, 3百万: a number in digits with its unit in characters."""
_ABOUT = re.compile(
    r".*[一二两三四五六七八九]{2}[十百千].*|.*十[一二三四五六七八九]{2}|(?:一二|[一两]三|二三|三四|三五|四五|五六|六七|七八|八九)"
)
_COUNTED = re.compile(r"\s*(?:[万亿岁块元wk]|周岁|美[元金])")
"""Behind 五六 it says that five or six are meant; 五六 alone may be 56."""
_AND = re.compile(r"(?<=十)有(?=[一二三四五六七八九])")
"""五十有二 is 52."""
_HALF = re.compile(r"半个?(?=亿|百万|千万)")


_ONES = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9}
_TEENS = {
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
    "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_WORDS = _ONES | _TEENS | _TENS | {"a": 1}
_ONE, _TEEN, _TEN = ("|".join(names) for names in (_ONES, _TEENS, _TENS))
_LARGE = r"(?=\s+(?:thousand|grand|mill?|million|billion)\b)"
_ENGLISH = re.compile(
    rf"\b(?:(?P<hundreds>a|{_ONE})\s+hundred\b(?:\s+(?:and\s+)?(?P<below>(?:{_TEN})(?:[\s-]+(?:{_ONE}))?|{_TEEN}|{_ONE})\b)?"
    rf"|(?P<plain>(?:{_TEN})(?:[\s-]+(?:{_ONE}))?|{_TEEN})\b"
    rf"|(?P<halved>{_ONE})\s+and\s+a\s+half\b{_LARGE}|(?<!and a )(?P<half>half(?:\s+a)?)\b{_LARGE}|(?P<few>a|{_ONE})\b{_LARGE})",
    re.ASCII,
)
"""A word below ten counts only within a larger numeral: this one, my two kids."""


def with_digits(text: str) -> str:
    """The folded text with every numeral as digits, Chinese ones below ten thousand and English ones below a thousand.

    万, 亿, thousand and million stay, as units of what precedes them; so does what names no one number: 五六岁, 两三万, 几十万.
    """
    plain = _MIXED.sub(lambda found: _whole(Decimal(found[1]) * _UNITS[found[2]]), _HALF.sub("0.5", _AND.sub("", text)))
    return _ENGLISH.sub(_english, _RUN.sub(_chinese, plain))


def _whole(value: Decimal) -> str:
    return format(value.normalize(), "f")


def _chinese(found: re.Match[str]) -> str:
    about = _ABOUT.fullmatch(found[0])
    if about is not None and (len(found[0]) > 2 or _COUNTED.match(found.string, found.end())):
        return found[0]
    return str(number(found[0]))


def _english(found: re.Match[str]) -> str:
    if found["half"]:
        return "0.5"
    if found["halved"]:
        return f"{_WORDS[found['halved']]}.5"
    hundreds = _WORDS[found["hundreds"]] * 100 if found["hundreds"] else 0
    words = found["below"] or found["plain"] or found["few"] or ""
    return str(hundreds + sum(_WORDS[word] for word in re.split(r"[\s-]+", words) if word))


def number(numeral: str) -> int:
    """三百零五 → 305, 一九九二 → 1992, 三百五 → 350. Only characters of numerals."""
    if not any(char in _UNITS for char in numeral):
        return int("".join(str(_DIGITS[char]) for char in numeral))
    total, digit, last_unit = 0, None, 0
    for char in numeral:
        if char in _UNITS:
            total += (1 if digit is None else digit) * _UNITS[char]
            digit, last_unit = None, _UNITS[char]
        else:
            digit = _DIGITS[char]
            last_unit = 0 if digit == 0 else last_unit
    if digit is None:
        return total
    return total + digit * (last_unit // 10 if last_unit > 10 else 1)
