"""Which items answer a person: the fitted model's order with places for what it does not know yet, or taste and popularity.

Without a model (before the first fit) and without consent the same catalogue answers from what is popular and new. Pure.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice, zip_longest

from services.recommend.catalogue import Catalogue
from services.recommend.interaction import Interaction
from services.recommend.rank import Ranked

LIKED_SHARE = 0.3
"""What a trait such as likes_finance counts at least, as a share of interest."""
TASTE_CATEGORIES = 6
_POPULAR_TO_NEW = 3
"""In a list for nobody in particular, one new item follows each three popular ones."""


@dataclass(frozen=True, slots=True)
class Pick:
    """One place of the answer. `kind` says what speaks for the item: an item in `because`, a `category`, or neither."""

    item_id: str
    score: float
    source: str
    kind: str
    because: str | None = None
    category: str | None = None


def affinity_of(interests: Mapping[str, float], traits: Mapping[str, object]) -> dict[str, float]:
    """Shares of interest by domain: those shown, and at least `LIKED_SHARE` for each domain that a trait says is liked."""
    affinity = {domain: share for domain, share in interests.items() if share > 0}
    for name, holds in traits.items():
        if holds is True and name.startswith("likes_"):
            domain = name.removeprefix("likes_")
            affinity[domain] = max(affinity.get(domain, 0.0), LIKED_SHARE)
    return affinity


def taste_of(catalogue: Catalogue, history: Iterable[Interaction], affinity: Mapping[str, float]) -> dict[str, float]:
    """Shares by category, the largest first, at most `TASTE_CATEGORIES`: of the items in the history and of the affinity."""
    taste = dict(affinity)
    known = [item for each in history if (item := catalogue.items.get(each.item_id))]
    for item in known:
        for category in item.categories:
            taste[category] = taste.get(category, 0.0) + 1 / len(known)
    total = sum(taste.values())
    largest = sorted(taste.items(), key=lambda pair: (-pair[1], pair[0]))[:TASTE_CATEGORIES]
    return {category: share / total for category, share in largest}


def for_nobody(catalogue: Catalogue, *, limit: int, exclude: Collection[str] = ()) -> list[Pick]:
    """Popular and new items, the same for everybody."""
    hot = (
        Pick(item_id, catalogue.warmth(item_id), "popular", "popular")
        for item_id in catalogue.by_heat
        if item_id not in exclude
    )
    new = (Pick(item_id, 0.0, "new", "new") for item_id in catalogue.by_age if item_id not in exclude)
    runs = zip_longest(*[hot] * _POPULAR_TO_NEW, new)
    return list(islice(_once(pick for pick in chain.from_iterable(runs) if pick), limit))


def popular_picks(catalogue: Catalogue, category: str | None, *, limit: int) -> list[Pick]:
    """The most popular items; those that nobody took up yet close the list, the newest first."""
    kind = "popular" if category is None else "popular_in_category"
    return [
        Pick(item_id, catalogue.warmth(item_id), "popular", kind, category=category)
        for item_id in catalogue.popular(category)[:limit]
    ]


def latest_picks(catalogue: Catalogue, category: str | None, *, limit: int) -> list[Pick]:
    """The newest items; the first scores 1 and the score falls with the place."""
    kind = "new" if category is None else "new_in_category"
    inside = (each for each in catalogue.by_age if category is None or category in catalogue.items[each].categories)
    return [
        Pick(item_id, 1 - place / limit, "new", kind, category=category)
        for place, item_id in enumerate(islice(inside, limit))
    ]


def by_taste(
    catalogue: Catalogue, taste: Mapping[str, float], *, limit: int, exclude: Collection[str], context: str | None
) -> list[Pick]:
    """The popular items of the categories that a person likes, or of the item that is open; then those for nobody."""
    picks = list(beside(catalogue, context, limit=limit, exclude=exclude)) if context else []
    picks += [
        Pick(item_id, _taste_score(catalogue, item_id, share), "category", "category", category=category)
        for category, share in taste.items()
        for item_id in islice(_without(catalogue.popular(category), exclude), limit)
    ]
    picks.sort(key=lambda pick: (-pick.score, pick.item_id))
    rest = for_nobody(catalogue, limit=limit + len(picks), exclude=exclude)
    return list(islice(_once(chain(picks, rest)), limit))


def beside(catalogue: Catalogue, item_id: str, *, limit: int, exclude: Collection[str] = ()) -> Iterable[Pick]:
    """The popular items of an item's categories, without the item, for want of a model."""
    kept = {*exclude, item_id}
    for category in catalogue.items[item_id].categories:
        for other in islice(_without(catalogue.popular(category), kept), limit):
            yield Pick(other, _taste_score(catalogue, other, 1.0), "category", "resembles", because=item_id)


def similar_picks(catalogue: Catalogue, ranked: Sequence[Ranked], item_id: str, *, limit: int) -> list[Pick]:
    """What the model finds similar, filled up with the popular items of the item's categories."""
    picks = [_picked(each) for each in ranked]
    lowest = picks[-1].score if picks else 1.0
    more = sorted(beside(catalogue, item_id, limit=limit + len(picks)), key=lambda pick: -pick.score)
    filled = chain(picks, (replace(pick, score=min(pick.score, lowest)) for pick in more))
    return list(islice(_once(filled), limit))


def _taste_score(catalogue: Catalogue, item_id: str, share: float) -> float:
    """Half of it is how much the category is liked, half how popular the item is."""
    return 0.5 * min(1.0, share) + 0.5 * catalogue.warmth(item_id)


@dataclass(frozen=True, slots=True)
class Unknown:
    """Shown items that came after the fit: all of them, and by category; hot ones first, then new ones."""

    item_ids: tuple[str, ...]
    by_category: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, catalogue: Catalogue, known: Collection[str]) -> "Unknown":
        item_ids = tuple(item_id for item_id in catalogue.popular() if item_id not in known)
        by_category: dict[str, list[str]] = {}
        for item_id in item_ids:
            for category in catalogue.items[item_id].categories:
                by_category.setdefault(category, []).append(item_id)
        return cls(item_ids, by_category)

    def liked(self, taste: Mapping[str, float]) -> Iterable[str]:
        """Those of the categories that a person likes, the best liked first; all where no taste is known."""
        if not taste:
            return self.item_ids
        categories = sorted(taste, key=lambda category: -taste[category])
        return _distinct(chain.from_iterable(self.by_category.get(category, ()) for category in categories))


def of_model(
    ranked: Sequence[Ranked],
    catalogue: Catalogue,
    unknown: Unknown,
    taste: Mapping[str, float],
    *,
    limit: int,
    new_share: float,
    exclude: Collection[str],
) -> list[Pick]:
    """The model's list with its last places given to items that it does not know.

    At most `new_share` of the list, and only items of a category that the person likes where a taste is known. Where the
    model has too few items all the unknown ones may fill up.
    """
    picks = [_picked(each) for each in ranked[:limit]]
    places = max(int(limit * new_share), limit - len(picks))
    likely = list(islice(_without(unknown.liked(taste), exclude), places)) if unknown.item_ids else []
    others = _without(unknown.item_ids, {*exclude, *likely})
    filling = islice(others, max(0, limit - len(picks) - len(likely)))
    new = [_new(catalogue, item_id, taste) for item_id in (*likely, *filling)]
    kept = picks[: limit - len(new)]
    lowest = kept[-1].score if kept else 1.0
    return kept + [replace(pick, score=min(pick.score, lowest)) for pick in new]


def _picked(each: Ranked) -> Pick:
    said = each.evidence
    return Pick(each.item_id, each.score, each.source, said.kind, said.item_id, said.category)


def _new(catalogue: Catalogue, item_id: str, taste: Mapping[str, float]) -> Pick:
    share = _liked(catalogue, item_id, taste)
    score = _taste_score(catalogue, item_id, share)
    return Pick(item_id, score, "new", "new_in_category", category=catalogue.items[item_id].domain)


def _liked(catalogue: Catalogue, item_id: str, taste: Mapping[str, float]) -> float:
    return max((taste.get(category, 0.0) for category in catalogue.items[item_id].categories), default=0.0)


def _without(item_ids: Iterable[str], exclude: Collection[str]) -> Iterable[str]:
    return (item_id for item_id in item_ids if item_id not in exclude)


def _once(picks: Iterable[Pick]) -> Iterable[Pick]:
    seen: set[str] = set()
    for pick in picks:
        if pick.item_id not in seen:
            seen.add(pick.item_id)
            yield pick


def _distinct(item_ids: Iterable[str]) -> Iterable[str]:
    seen: set[str] = set()
    for item_id in item_ids:
        if item_id not in seen:
            seen.add(item_id)
            yield item_id
