"""Longest-match search of phrases in Chinese and English text, with negation. Pure."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.intent.characters import simplified

_WORD = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "`": "'"})


@dataclass(frozen=True, slots=True)
class Match:
    """Text[start:end] is a phrase of `concepts`."""

    start: int
    end: int
    concepts: tuple[str, ...]


def normalise(text: str) -> str:
    """NFKC, simplified, lower case, single spaces; apostrophes straight, and inside words dropped (don't, dont)."""
    folded = simplified(unicodedata.normalize("NFKC", text)).lower().translate(_APOSTROPHES)
    return " ".join(folded.replace("'", "").split())


@dataclass(slots=True)
class _Node:
    """A prefix of phrases; `concepts` when it is a whole one."""

    children: dict[str, "_Node"] = field(default_factory=dict)
    concepts: tuple[str, ...] = ()
    open_ended: bool = False


class PhraseBook:
    """A trie of phrases. English phrases match on word boundaries; a trailing `*` lets the last word go on."""

    def __init__(self, phrases: Mapping[str, Iterable[str]]) -> None:
        """`phrases` maps a phrase to the concepts that it speaks of."""
        self._root = _Node()
        for phrase, concepts in phrases.items():
            self._insert(phrase, tuple(concepts))

    def _insert(self, phrase: str, concepts: tuple[str, ...]) -> None:
        node = self._root
        for char in normalise(phrase.removesuffix("*")):
            node = node.children.setdefault(char, _Node())
        node.concepts = tuple(dict.fromkeys(node.concepts + concepts))
        node.open_ended |= phrase.endswith("*")

    def matches(self, text: str) -> list[Match]:
        """Leftmost-longest, non-overlapping matches in normalised `text`."""
        found: list[Match] = []
        position = 0
        while position < len(text):
            match = self._longest_at(text, position)
            if match is None:
                position += 1
            else:
                found.append(match)
                position = match.end
        return found

    def _longest_at(self, text: str, start: int) -> Match | None:
        if start and text[start] in _WORD and text[start - 1] in _WORD:
            return None
        best: Match | None = None
        node = self._root
        for index in range(start, len(text)):
            child = node.children.get(text[index])
            if child is None:
                break
            node = child
            if node.concepts and (end := _boundary(text, index + 1, open_ended=node.open_ended)):
                best = Match(start, end, node.concepts)
        return best


def _boundary(text: str, end: int, *, open_ended: bool) -> int:
    """Where a match that reaches `end` really ends; 0 when it stops inside a word and may not go on."""
    if end == len(text) or text[end - 1] not in _WORD or text[end] not in _WORD:
        return end
    if not open_ended:
        return 0
    while end < len(text) and text[end] in _WORD:
        end += 1
    return end


def negated(text: str, match: Match, negators: Iterable[Match], *, reach: int) -> bool:
    """Whether a negator stands before `match` with at most `reach` units and no punctuation between.

    A unit is one Chinese character or one Latin word.
    """
    return any(negator.end <= match.start and _within(text[negator.end : match.start], reach) for negator in negators)


def _within(gap: str, reach: int) -> bool:
    if any(unicodedata.category(char).startswith("P") for char in gap):
        return False
    latin = sum(word[0] in _WORD for word in gap.split() if word)
    others = sum(char not in _WORD and not char.isspace() for char in gap)
    return latin + others <= reach
