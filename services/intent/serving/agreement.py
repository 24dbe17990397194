"""How far two versions agree about the same texts: sums that add, and what they say. Pure."""

import re
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Literal, Self

from services.intent.model import Understanding

Language = Literal["zh", "en"]
Pair = tuple[str, str, Language]

_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U000323af]")


@dataclass(frozen=True, slots=True)
class Agreement:
    """Sums over `texts` texts; the gaps are absolute differences of probabilities."""

    texts: int = 0
    same_label: int = 0
    same_scope: int = 0
    same_sentiment: int = 0
    confidence_gap: float = 0.0
    purchase_gap: float = 0.0

    def __add__(self, other: "Agreement") -> "Agreement":
        return Agreement(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    @classmethod
    def of(cls, one: Understanding, other: Understanding) -> Self:
        """About one text."""
        return cls(
            texts=1,
            same_label=int(one.label == other.label),
            same_scope=int(one.in_scope == other.in_scope),
            same_sentiment=int(one.sentiment == other.sentiment),
            confidence_gap=abs(one.confidence - other.confidence),
            purchase_gap=abs(one.purchase - other.purchase),
        )


def language_of(text: str) -> Language:
    """zh as soon as there is a Chinese character, for that is how mixed texts are read."""
    return "zh" if _HAN.search(text) else "en"


class Tally:
    """Agreements by (version, version it was compared with, language), until they are written down elsewhere."""

    def __init__(self) -> None:
        self._sums: dict[Pair, Agreement] = {}

    def add(self, pair: Pair, agreement: Agreement) -> None:
        self._sums[pair] = self._sums.get(pair, Agreement()) + agreement

    def add_all(self, sums: Mapping[Pair, Agreement]) -> None:
        for pair, agreement in sums.items():
            self.add(pair, agreement)

    def take(self) -> dict[Pair, Agreement]:
        """All of it; the tally is empty then."""
        taken, self._sums = self._sums, {}
        return taken
