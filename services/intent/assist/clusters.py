"""Questions that had no answer, put together by the terms that they share. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.intent.assist.knowledge.bm25 import Common
from services.intent.assist.knowledge.terms import terms
from services.intent.assist.masking import masked

ALIKE = 0.4
"""The weighted overlap from which two questions are one."""

EXAMPLES = 3
_MASK = re.compile(r"\[[a-z]+\]")


@dataclass(frozen=True, slots=True)
class Cluster:
    """`representative` is the question that is most like the others; all texts are masked."""

    representative: str
    count: int
    examples: tuple[str, ...]


@dataclass(slots=True)
class _Group:
    seed: dict[str, float]
    members: list[tuple[str, dict[str, float]]] = field(default_factory=list)


def clusters_of(questions: Sequence[str], common: Common, *, limit: int) -> list[Cluster]:
    """Leader clustering: a question joins the group whose first it is most like, or begins its own. The largest come first."""
    groups: list[_Group] = []
    for text in map(masked, questions):
        weights = {term: common.weight(term) for term in terms(_MASK.sub(" ", text))}
        alike, nearest = max(
            ((similarity(weights, group.seed), place) for place, group in enumerate(groups)), default=(0.0, -1)
        )
        if alike < ALIKE:
            groups.append(_Group(weights))
            nearest = -1
        groups[nearest].members.append((text, weights))
    groups.sort(key=lambda group: -len(group.members))
    return [_described(group) for group in groups[:limit]]


def similarity(one: dict[str, float], other: dict[str, float]) -> float:
    """The weight of the terms that both have as a share of the lighter one's; 0 where one has none."""
    shared = sum(weight for term, weight in one.items() if term in other)
    lighter = min(sum(one.values()), sum(other.values()))
    return shared / lighter if lighter else 0.0


def _described(group: _Group) -> Cluster:
    central = max(
        group.members[:50], key=lambda member: sum(similarity(member[1], other) for _, other in group.members[:50])
    )
    texts = dict.fromkeys(text for text, _ in group.members)
    return Cluster(central[0], len(group.members), tuple(list(texts)[:EXAMPLES]))
