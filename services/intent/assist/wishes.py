"""One text that wants several things: taken apart where each part is a wish or a question of its own. Pure."""

import re
from collections.abc import Iterator

from services.intent.assist.reading import folded, is_question

MOST = 3
"""Wishes of one text that are answered one by one; who wants more is heard as a whole."""
_LONG = 40
"""Characters of Chinese, and a third of those of English, from which a text may be more tale than question."""
_THEN = (
    r"(?:然后|接着|随后|顺便|顺带|另外|此外|同时|还有(?=[，,]|帮|给|我)|再(?=给|帮|替|问|报|投保|办)"
    r"|(?<![a-z])(?:and then|and also|then|also|plus|by the way|btw|besides)(?![a-z]))"
)
_BESIDES = frozenset({"顺便", "顺带", "另外", "此外", "by the way", "btw"})
"""What stands before these is another matter, if it is told and not asked."""
_LEAST = 4
_LONGEST = 400
"""Characters of a text that is taken apart; a longer one is a letter."""
_BETWEEN = re.compile(
    rf"(?:(?P<stop>[，,。;；！!？?\n]|(?<![a-z])and(?![a-z])) ?)?(?P<then>{_THEN})[，, ]*|[，,。;；！!\n]"
)
_WISHED = re.compile(
    r"我(?:要|想)|帮[我忙]|[给替]我|请|麻烦|把.{1,14}(?:[了掉]|退|关)$|^(?:先|再|还|也)*(?:退|取消|关|注销|报[个一]|买|投保|开|查|换|改)"
    r"|(?<![a-z])(?:i (?:want|need|would like|wanna)|i'?d like|please|pls|plz|can you|could you|help me|get me|give me)(?![a-z])"
    r"|^(?:cancel|refund|quote|insure|buy|stop|delete|close|an?|the|my|another)(?![a-z])"
)


def parts_of(text: str) -> tuple[list[str], bool]:
    """The wishes of a text, each with what stands behind it, and whether a word such as 然后 or "also" joins them."""
    parts, plainly = [""], False
    for piece, joined in _pieces(text) if len(text) <= _LONGEST else ():
        another = joined in _BESIDES and len(parts[-1]) >= _LEAST
        if is_wish(piece) and (another or is_wish(parts[-1])):
            parts.append(piece)
            plainly = plainly or bool(joined)
        else:
            parts[-1] = f"{parts[-1]}{'，' if parts[-1] and _is_chinese(piece) else ', ' if parts[-1] else ''}{piece}"
    return (parts, plainly) if 1 < len(parts) <= MOST else ([text], False)


def searched_for(text: str) -> str:
    """What of a text the knowledge base is asked: of a long one the clauses that ask, each with the one before it.

    Where somebody tells much before they ask, the words of the tale would find a passage.
    """
    if len(text) <= (_LONG if _is_chinese(text) else 3 * _LONG):
        return text
    pieces = [piece for piece, _ in _pieces(text)]
    asking = [place for place, piece in enumerate(pieces) if is_question(piece)]
    kept = sorted({at for place in asking for at in (place - 1, place) if at >= 0})
    return ("，" if _is_chinese(text) else ", ").join(pieces[place] for place in kept) or text


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Pieces between stops, each with the word of addition that stands before it or ""."""
    text, at, joined = "\n".join(" ".join(line.split()) for line in text.splitlines()), 0, ""
    for found in _BETWEEN.finditer(text.lower() if len(text.lower()) == len(text) else text):
        if piece := text[at : found.start()].strip():
            yield piece, joined
        at, joined = found.end(), found["then"] or ""
    if piece := text[at:].strip():
        yield piece, joined


def is_wish(piece: str) -> bool:
    """Whether a piece of a text is a wish or a question of its own."""
    return _WISHED.search(folded(piece)) is not None or is_question(piece)


def _is_chinese(piece: str) -> bool:
    return re.search(r"[\u3400-\u9fff]", piece) is not None
