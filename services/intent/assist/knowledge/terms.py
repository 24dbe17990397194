"""A text as the terms that are looked up: Chinese as pairs of characters, English as stems. Pure."""

import re
from collections.abc import Iterator
from itertools import pairwise

from services.intent.assist.reading import folded

_RUNS = re.compile(r"[\u3400-\u9fff]+|[a-z0-9]+(?:[.'+#-][a-z0-9]+)*")
_STOP = frozenset(
    """a an and any are as at be been but by can could did do does for from get had has have how i if in into is it its
    just like may me my no not of on or our please so some than that the their them then there these they this to
    too us was we were what when where which who why will with would you your i'm i've it's don't can't doesn't
    about""".split()  # noqa: SIM905
)
EMPTY = frozenset(
    "的了吗呢吧啊呀嘛么是在有和与或也都就还很请问您你我他她它们这那个些为被把给让到从对于之以及其哪怎什能会可要想"
)
"""Characters that carry little by themselves: a pair of two such is left out."""

_ENDINGS = (
    ("ational", "ate"), ("ization", "ize"), ("fulness", "ful"), ("iveness", "ive"), ("ements", "e"), ("ement", "e"), ("ations", "ate"),
    ("ation", "ate"), ("ments", ""), ("ment", ""), ("ness", ""), ("ingly", ""), ("edly", ""), ("ings", ""), ("ing", ""),
    ("ies", "y"), ("ied", "y"), ("sses", "ss"), ("eds", ""), ("ed", ""), ("ers", ""), ("er", ""), ("es", ""), ("ly", ""), ("s", ""),
)  # fmt: skip


def terms(text: str) -> list[str]:
    """The terms in their order, with repeats."""
    return [term for run in _RUNS.findall(folded(text)) for term in _of_run(run)]


def pieces(text: str) -> set[str]:
    """Single Chinese characters but for those that carry little, and English stems: 退了 shares 退 with 退保, and no pair."""
    runs = _RUNS.findall(folded(text))
    return {piece for run in runs for piece in (run if _is_chinese(run) else _of_run(run)) if piece not in EMPTY}


def _is_chinese(run: str) -> bool:
    return "\u3400" <= run[0] <= "\u9fff"


def _of_run(run: str) -> Iterator[str]:
    if _is_chinese(run):
        if len(run) == 1:
            yield run
        for first, second in pairwise(run):
            if first not in EMPTY or second not in EMPTY:
                yield first + second
    elif run not in _STOP:
        yield stem(run)


def stem(word: str) -> str:
    """A word without a common ending, at least three letters of it: refunds, refunded and refunding are refund.

    Lighter than Porter (1980): one ending is taken, a doubled consonant or a final e behind it too.
    """
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) + len(instead) >= 3 and not word.endswith("ss"):
            word = word[: -len(ending)] + instead
            break
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "aeious":
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word.endswith("e") else word
