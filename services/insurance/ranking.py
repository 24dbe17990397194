"""In which order suitable products are shown, and why: need, life situation and affordability, in whole points.

What a sale earns anybody is not among the inputs and has no place to be put: the types below are all that ranking sees.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

ASKED_FOR = 100
STATED_NEED = 40
DEPENDANTS = 15
LATER_LIFE = 10
INTEREST = 10
AFFORDABLE = 10
NEEDS_UNDERWRITING = -20

LATER_LIFE_AGE = 45

# Interests of a person in the platform's domains, and the product topics that they point to.
TOPICS_OF_DOMAIN: dict[str, frozenset[str]] = {
    "travel": frozenset({"travel", "accident"}),
    "tech": frozenset({"device"}),
    "health": frozenset({"medical", "critical-illness"}),
    "finance": frozenset({"fund", "annuity"}),
    "education": frozenset({"tuition", "instalment", "loan"}),
    "parenting": frozenset({"life", "critical-illness"}),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A suitable product as ranking sees it. `share_of_income` is its yearly cost, None when it costs nothing by itself."""

    product_id: str
    topics: tuple[str, ...]
    needs: frozenset[str]
    share_of_income: Decimal | None
    share_cap: Decimal
    referred: bool


@dataclass(frozen=True, slots=True)
class Wishes:
    """A person as ranking sees them: `topics` asked for with a confidence from 0 to 1, needs, life, liked domains."""

    topics: frozenset[str]
    confidence: Decimal
    needs: frozenset[str]
    dependants: int
    age: int | None
    domains: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A product with its points and the codes of what earned them, the weightiest first."""

    product_id: str
    points: int
    codes: tuple[str, ...]


def rank(candidates: Iterable[Candidate], wishes: Wishes) -> list[Ranked]:
    """Most points first; equal points in the order of product ids, so the same question has the same answer."""
    return sorted((score(each, wishes) for each in candidates), key=lambda ranked: (-ranked.points, ranked.product_id))


def score(candidate: Candidate, wishes: Wishes) -> Ranked:
    """The points of one product."""
    parts = [part for part in _parts(candidate, wishes) if part[1]]
    reasons = sorted(parts, key=lambda part: -part[1])
    return Ranked(candidate.product_id, sum(points for _, points in parts), tuple(code for code, _ in reasons))


def _parts(candidate: Candidate, wishes: Wishes) -> Sequence[tuple[str, int]]:
    asked = [topic for topic in candidate.topics if topic in wishes.topics]
    parts = [(f"asked_for:{topic}", int(ASKED_FOR * wishes.confidence)) for topic in asked[:1]]
    parts += [(f"need:{need}", STATED_NEED) for need in sorted(candidate.needs & wishes.needs)[:1]]
    parts += [("life:dependants", DEPENDANTS)] if _protects_dependants(candidate, wishes) else []
    parts += [("life:later", LATER_LIFE)] if _later_life(candidate, wishes) else []
    parts += [(f"interest:{domain}", INTEREST) for domain in _interests(candidate, wishes)[:1]]
    parts += [("affordable", _affordability(candidate))]
    parts += [("subject_to_underwriting", NEEDS_UNDERWRITING)] if candidate.referred else []
    return parts


def _protects_dependants(candidate: Candidate, wishes: Wishes) -> bool:
    return wishes.dependants > 0 and bool(candidate.needs & {"family_protection", "serious_illness"})


def _later_life(candidate: Candidate, wishes: Wishes) -> bool:
    return wishes.age is not None and wishes.age >= LATER_LIFE_AGE and "retirement" in candidate.needs


def _interests(candidate: Candidate, wishes: Wishes) -> list[str]:
    topics = set(candidate.topics)
    return [domain for domain in sorted(wishes.domains) if TOPICS_OF_DOMAIN.get(domain, frozenset()) & topics]


def _affordability(candidate: Candidate) -> int:
    """All points when it costs nothing, none at the cap."""
    share = candidate.share_of_income
    if share is None or candidate.share_cap <= 0:
        return 0
    return max(0, int(AFFORDABLE * (1 - share / candidate.share_cap)))
