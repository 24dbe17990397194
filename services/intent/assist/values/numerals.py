"""Chinese numerals as digits: 三十五, 十二万, 两百."""

import re

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "俩": 2}
_UNITS = {"十": 10, "百": 100, "千": 1_000}
_RUN = re.compile(r"[零〇一二两俩三四五六七八九十百千]+")


def with_digits(text: str) -> str:
    """The text with every Chinese numeral below ten thousand as digits; 万 and 亿 stay, as units of what precedes them."""
    return _RUN.sub(lambda found: str(number(found[0])), text)


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
