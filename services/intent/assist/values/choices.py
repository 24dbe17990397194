"""Which of several things that were offered by number and title somebody chooses. Pure."""

import re
from collections.abc import Sequence

from services.intent.assist.reading import folded
from services.intent.assist.values.numerals import with_digits

_ORDINALS = {
    "first": "1",
    "second": "2",
    "third": "3",
    "1st": "1",
    "2nd": "2",
    "3rd": "3",
    "one": "1",
    "two": "2",
    "three": "3",
}
_NUMBER = re.compile(
    r"(?:(?:我?(?:选|要|看|想看)|第|序号|no\.?|number|option|the|show me|#)\s*)*"
    r"(?P<number>[1-9]|first|second|third|1st|2nd|3rd|one|two|three)\s*(?:个|条|项|号|one)?(?:吧|谢谢|please|pls|thanks)?"
)
_NONE = re.compile(
    r"(?:都|全|一个都)?(?:不是|没有|不对|不相关|无关)(?:这些|这个|我(?:要|想)?问的)?(?:吧|啊|的)?"
    r"|(?:none|neither)(?: of (?:these|those|them))?|not (?:these|those|that|this)|no,? none"
)


def choice(text: str, titles: Sequence[str]) -> int | None:
    """The place of the one title that a text chooses, by its number or by its words; None where it chooses none or several."""
    heard = with_digits(folded(text)).strip(" 。.!！,，、()（）")
    if (found := _NUMBER.fullmatch(heard)) is not None:
        number = int(_ORDINALS.get(found["number"], found["number"]))
        return number - 1 if number <= len(titles) else None
    said = folded(text).strip(' 。.!！?？《》"“”')
    named = [place for place, title in enumerate(titles) if said == folded(title).strip(" ?？")]
    return named[0] if len(named) == 1 else None


def chooses_none(text: str) -> bool:
    """Whether a text says that it is none of them."""
    return _NONE.fullmatch(folded(text).strip(" 。.!！,，")) is not None
