"""Headings of Markdown that marks tell, as Chinese authors write them too. Pure."""

import re

_HEADING = re.compile(r"^ {0,3}([#＃]{1,6})(?:\s+(.+?))??(?:\s+[#＃]+)?\s*$")
_TIGHT = re.compile(r"^ {0,3}(?:([#＃]{2,6})([^#＃\s].*)|([#＃])([\u3400-\u9fff《“「【][^#＃]*))$")
"""Without a blank, as many Chinese authors write: ##退款. One mark alone needs a Chinese character: #话题# and #1 are none."""


def marked_heading(line: str) -> tuple[int, str] | None:
    """The level and title of a heading that begins with # or ＃; "" for one without words."""
    if (spaced := _HEADING.match(line)) is not None:
        return len(spaced[1]), spaced[2] or ""
    if (tight := _TIGHT.match(line)) is not None:
        return len(tight[1] or tight[3]), (tight[2] or tight[4]).rstrip("#＃ ").rstrip()
    return None
