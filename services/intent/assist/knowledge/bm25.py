"""BM25 (Robertson et al. 1994) over passages held in memory. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

SHIPPED = Path(__file__).with_name("common.json")
Floats = NDArray[np.float32]
K1 = 1.2
B = 0.75


@dataclass(frozen=True, slots=True)
class Common:
    """In how many of `texts` that people wrote each term stands; rare terms are left out."""

    texts: int
    terms: Mapping[str, int]

    def weight(self, term: str) -> float:
        """How much it says that a term is shared: the logarithm of how rare it is."""
        return log(1 + self.texts / (1 + self.terms.get(term, 1)))


def load_common(path: Path = SHIPPED) -> Common:
    """Counted over the training utterances of the intent model."""
    raw = orjson.loads(path.read_bytes())
    return Common(raw["texts"], raw["terms"])


@dataclass(frozen=True, slots=True)
class Match:
    """A query against all passages; each array has one value a passage.

    `score` is BM25. `evidence` is the weight of the query's terms that the passage has, `coverage` its share of the whole weight;
    a term's weight is how rare it is in what people write, whatever the size of the knowledge base.
    """

    score: Floats
    evidence: Floats
    coverage: Floats


class Bm25:
    """Postings of passages given as their terms, in order."""

    def __init__(self, passages: Sequence[Sequence[str]], common: Common) -> None:
        self._common = common
        counts = [Counter(each) for each in passages]
        postings: dict[str, list[tuple[int, int]]] = {}
        for place, count in enumerate(counts):
            for term, times in count.items():
                postings.setdefault(term, []).append((place, times))
        self._size = len(passages)
        lengths = np.array([sum(count.values()) for count in counts], dtype=np.float32)
        mean = float(lengths.mean()) if self._size and lengths.any() else 1.0
        self._norm = (K1 * (1 - B + B * lengths / mean)).astype(np.float32)
        self._postings = {
            term: (np.array([place for place, _ in found]), np.array([times for _, times in found], dtype=np.float32))
            for term, found in postings.items()
        }

    def match(self, query: Sequence[str]) -> Match:
        """The query's terms count once each; a term that no passage has counts against all of them."""
        score = np.zeros(self._size, dtype=np.float32)
        covered = np.zeros(self._size, dtype=np.float32)
        total = 0.0
        for term in dict.fromkeys(query):
            places, times = self._postings.get(term, (np.array([], dtype=int), np.array([], dtype=np.float32)))
            idf = float(np.log(1 + (self._size - len(places) + 0.5) / (len(places) + 0.5)))
            score[places] += idf * times * (K1 + 1) / (times + self._norm[places])
            weight = self._common.weight(term)
            total += weight
            covered[places] += weight
        return Match(score, covered, covered / max(total, 1e-9))
