"""Picks as they are shown: the title and the reason in the person's language. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from services.recommend import reasons
from services.recommend.catalogue import Catalogue
from services.recommend.interaction import COMPLETED, PURCHASED, RATED, REFUNDED, VIEWED, Interaction
from services.recommend.schemas import ListedItem
from services.recommend.selection import Pick

Deeds = Mapping[str, str]
"""By item: the type of event that says best what the person did with it."""

_TELLING = (COMPLETED, PURCHASED, RATED, "content_shared", "content_commented", VIEWED)


def deeds_of(history: Iterable[Interaction]) -> Deeds:
    """The most telling deed for each item; a refund tells nothing."""
    deeds: dict[str, str] = {}
    for each in history:
        held = deeds.get(each.item_id)
        if each.type != REFUNDED and (held is None or _TELLING.index(each.type) < _TELLING.index(held)):
            deeds[each.item_id] = each.type
    return deeds


def listed(
    catalogue: Catalogue, picks: Sequence[Pick], locale: str, *, deeds: Deeds, context: str | None = None
) -> list[ListedItem]:
    """Every pick with its title, its categories and at least one reason."""
    return [
        ListedItem(
            item_id=pick.item_id,
            title=catalogue.title(pick.item_id, locale),
            categories=list(catalogue.items[pick.item_id].categories),
            score=round(pick.score, 4),
            source=pick.source,
            reasons=[reason(catalogue, pick, locale, deeds=deeds, context=context)],
        )
        for pick in picks
    ]


def reason(catalogue: Catalogue, pick: Pick, locale: str, *, deeds: Deeds, context: str | None) -> str:
    """What speaks for a pick. Where the item that did is gone from the catalogue, its category does."""
    domain = catalogue.items[pick.item_id].domain
    category = reasons.readable_category(pick.category or domain, domain, locale)
    if pick.because is not None and pick.because in catalogue.items:
        title = catalogue.title(pick.because, locale)
        return _of_item(pick, title, locale, deed=None if pick.because == context else deeds.get(pick.because))
    match pick.kind:
        case "category":
            return reasons.interest(category, locale)
        case "popular_in_category" | "because_of" | "follows" | "resembles":
            return reasons.popular(category, locale)
        case "new_in_category":
            return reasons.new(category, locale)
        case "new":
            return reasons.new(None, locale)
        case _:
            return reasons.popular(None, locale)


def _of_item(pick: Pick, title: str, locale: str, *, deed: str | None) -> str:
    if deed is not None and pick.kind == "because_of":
        return reasons.after(deed, title, locale)
    if deed is not None and pick.kind == "follows":
        return reasons.next_after(title, locale)
    return reasons.similar_to(title, locale)
