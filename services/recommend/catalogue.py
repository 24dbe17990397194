"""A tenant's catalogue in memory: what may be shown, what is popular, what is new. Immutable, so requests see one state. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.kit.wire import localise


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """One item. `since` is when it was published, or came into the catalogue; in seconds since 1970."""

    item_id: str
    title: Mapping[str, str]
    categories: tuple[str, ...]
    active: bool
    since: float

    @property
    def domain(self) -> str:
        return self.categories[0]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The items of one tenant at one moment, in the orders in which they are asked for."""

    items: Mapping[str, CatalogueItem]
    shown: frozenset[str]
    """Ids of the items that are active and published."""
    by_heat: tuple[str, ...]
    """Ids of shown items that somebody took up, the hottest first."""
    by_age: tuple[str, ...]
    """Ids of all shown items, the newest first."""
    heats: Mapping[str, float]
    _by_category: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)

    def title(self, item_id: str, locale: str) -> str:
        return localise(self.items[item_id].title, locale)

    def popular(self, category: str | None = None) -> Sequence[str]:
        """Ids by falling popularity; those that nobody took up yet follow, the newest first."""
        key = category or ""
        found = self._by_category.get(key)
        if found is None:
            found = self._by_category[key] = tuple(self._popular(category))
        return found

    def _popular(self, category: str | None) -> Iterator[str]:
        taken_up = frozenset(self.by_heat)
        for item_id in (*self.by_heat, *(each for each in self.by_age if each not in taken_up)):
            if category is None or category in self.items[item_id].categories:
                yield item_id

    def warmth(self, item_id: str) -> float:
        """Heat relative to the hottest item's, 0 to 1."""
        if not self.by_heat:
            return 0.0
        return self.heats.get(item_id, 0.0) / self.heats[self.by_heat[0]]


EMPTY = Catalogue({}, frozenset(), (), (), {})


def arrange(items: Mapping[str, CatalogueItem], heats: Mapping[str, float], now: float) -> Catalogue:
    """The catalogue at `now`; both maps are kept, not copied."""
    shown = [item for item in items.values() if item.active and item.since <= now]
    by_age = sorted(shown, key=lambda item: (-item.since, item.item_id))
    hot = [item.item_id for item in shown if heats.get(item.item_id, 0.0) > 0]
    return Catalogue(
        items=items,
        shown=frozenset(item.item_id for item in shown),
        by_heat=tuple(sorted(hot, key=lambda item_id: (-heats[item_id], item_id))),
        by_age=tuple(item.item_id for item in by_age),
        heats=heats,
    )


def next_publication(items: Mapping[str, CatalogueItem], now: float) -> float:
    """When the next active item is published after `now`; infinity when none is."""
    return min((item.since for item in items.values() if item.active and item.since > now), default=float("inf"))
