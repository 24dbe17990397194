"""Which texts somebody wrote. Pure."""

import re
from typing import Literal

MAX_DOCUMENT_CHARS = 5_000
"""In one text that monitoring reads."""

_UNWRITTEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters (Unicode's Cc but for tabs and line ends) and lone surrogates (Cs)."""

_BLANK = re.compile(r"[\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe0f\ufeff]*")
"""White space, and what takes no room at all: joiners, marks of direction, byte order marks."""


def unwritten(text: str) -> Literal["blank_text", "binary_text"] | None:
    """Why nobody wrote `text`: nothing is to be seen, or there are control characters as in binary data. None where somebody did."""
    if _BLANK.fullmatch(text):
        return "blank_text"
    return "binary_text" if _UNWRITTEN.search(text) else None
