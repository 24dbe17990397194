"""Questions that had no answer, put together by the terms that they share. Pure.

Average linkage over term overlap. Cosines of the mean of the shipped encoder's last layer were tried and are worse: it was trained
to tell intents apart, and to it most of what has no answer is one. docs/assist.md has the figures.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.intent.assist.knowledge.bm25 import Common
from services.intent.assist.knowledge.terms import EMPTY, stem, terms
from services.intent.assist.masking import masked
from services.intent.assist.reading import folded

ALIKE = 0.125
"""The mean overlap from which two groups are one; chosen on the half `dev` of tests/data/assist/unanswered.csv."""

EXAMPLES = 3
NAMING = 3
LONGEST = 200
"""Characters of a question that are read and shown: what people ask stands at the front, and messages may have thousands."""

_RARE = 32
"""Texts that have a term up to which they are counted one by one; commoner terms go through a product of matrices."""

_BLOCK = 1024
_MASK = re.compile(
    r"(?i:我叫|我是|本人|姓名|名字|联系人|my name is|my name's|call me|i'm|i am|this is)?[:： 是叫为]*\[[a-z]+\]"
)
_WORDS = re.compile(r"[a-z0-9]+(?:[.'+#-][a-z0-9]+)*")
_GONE = -1.0

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Cluster:
    """`terms` name it: what its questions share, the weightiest first. `representative` is the question that is most like the others;
    all texts are masked, and cut at `LONGEST`.
    """

    terms: tuple[str, ...]
    representative: str
    count: int
    examples: tuple[str, ...]


def clusters_of(questions: Sequence[str], common: Common, *, limit: int) -> list[Cluster]:
    """The largest come first. The same question asked twice counts twice."""
    counted = Counter(masked(question)[:LONGEST] for question in questions)
    texts, counts = list(counted), list(counted.values())
    weights = [{term: common.weight(term) for term in terms(_MASK.sub(" ", text))} for text in texts]
    alike = overlaps(weights)
    groups = joined(alike, counts, ALIKE)
    groups.sort(key=lambda group: -sum(counts[place] for place in group))
    return [
        Cluster(
            terms=_named([texts[place] for place in group], [weights[place] for place in group]),
            representative=texts[max(group, key=lambda place: float(alike[place, group].sum()))],
            count=sum(counts[place] for place in group),
            examples=tuple(texts[place] for place in group[:EXAMPLES]),
        )
        for group in groups[:limit]
    ]


def overlaps(weights: Sequence[dict[str, float]]) -> Floats:
    """For each two the weight of the terms that both have, as a share of the lighter one's; 0 where one has none. (texts, texts)."""
    places: dict[str, list[int]] = {}
    for place, each in enumerate(weights):
        for term in each:
            places.setdefault(term, []).append(place)
    shared = np.zeros((len(weights), len(weights)), dtype=np.float32)
    common: list[str] = []
    for term, having in places.items():
        if len(having) > _RARE:
            common.append(term)
        elif len(having) > 1:
            shared[np.ix_(having, having)] += weights[having[0]][term]
    for start in range(0, len(common), _BLOCK):
        block = common[start : start + _BLOCK]
        has = np.zeros((len(weights), len(block)), dtype=np.float32)
        for column, term in enumerate(block):
            has[places[term], column] = 1
        has *= np.sqrt(np.array([weights[places[term][0]][term] for term in block], dtype=np.float32))
        shared += has @ has.T
    total = np.array([sum(each.values()) for each in weights], dtype=np.float32)
    np.fill_diagonal(shared, total)
    lighter = np.minimum.outer(total, total)
    return np.asarray(np.divide(shared, lighter, out=np.zeros_like(shared), where=lighter > 0))


def joined(alike: Floats, counts: Sequence[int], least: float) -> list[list[int]]:
    """Places by group: groups are joined as long as two are alike by `least` in the mean over their members.

    Average linkage by chains of nearest neighbours (Murtagh 1983), in quadratic time. `counts` are the members' weights.
    A chain that comes back to itself, which only rounding can make it do, ends there.
    """
    alike, sizes = alike.copy(), np.array(counts, dtype=np.float32)
    np.fill_diagonal(alike, _GONE)
    groups = {place: [place] for place in range(len(sizes))}
    found: list[list[int]] = []
    chain: list[int] = []
    while groups:
        last = chain[-1] if chain else next(iter(groups))
        chain = chain or [last]
        nearest = int(alike[last].argmax())
        before = chain[-2] if len(chain) > 1 else None
        if before is not None and (alike[last, before] >= alike[last, nearest] or nearest in chain):
            _join(alike, sizes, before, last)
            groups[before] += groups.pop(last)
            del chain[-2:]
        elif alike[last, nearest] < least:
            found.append(sorted(groups.pop(last)))
            alike[last] = alike[:, last] = _GONE
            chain.clear()
        else:
            chain.append(nearest)
    return sorted(found)


def _join(alike: Floats, sizes: Floats, one: int, other: int) -> None:
    """`other` becomes a part of `one`."""
    alike[one] = alike[:, one] = (sizes[one] * alike[one] + sizes[other] * alike[other]) / (sizes[one] + sizes[other])
    alike[one, one] = _GONE
    alike[other] = alike[:, other] = _GONE
    sizes[one] += sizes[other]


def _named(texts: Sequence[str], weights: Sequence[dict[str, float]]) -> tuple[str, ...]:
    """The terms that weigh the most over all members, of more than one where there are more; English ones as they were written.

    Chinese pairs with a character that carries little, mostly pieces of two words, come last.
    """
    having = Counter(term for each in weights for term in each)
    shared = {term: times for term, times in having.items() if times > 1} if len(texts) > 1 else having
    written = {stem(word): word for text in reversed(texts) for word in _WORDS.findall(folded(text))}
    weight = {term: value for each in weights for term, value in each.items()}
    best = sorted(shared, key=lambda term: (not EMPTY.isdisjoint(term), -shared[term] * weight[term]))
    return tuple(written.get(term, term) for term in best[:NAMING])
