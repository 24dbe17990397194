"""What one person does: visits, views, purchases and what follows from them, drawn from their hidden side."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from demo.catalogue import DOMAINS, Item
from demo.needs import PULLS, Need, NeedKind
from demo.people import Person
from demo.shelf import Shelf

FIRST_DAY, LAST_DAY = -182, 28  # the days after the load are the truth that recommendations are judged by


_FUNNEL = (("offer_clicked", 0.5), ("quote_requested", 0.5), ("policy_bound", 0.4))


class Event(NamedTuple):
    number: int  # of the person's events
    day: float  # since the load; negative is the past
    type: str
    user_id: str
    item_id: str | None
    value: float | None  # CNY
    properties: Mapping[str, Any]


class Journey:
    """One person's six months and the four weeks after; `run` gives the events in order of time."""

    def __init__(self, person: Person, shelf: Shelf, rng: np.random.Generator) -> None:
        self._person = person
        self._shelf = shelf
        self._rng = rng
        self._drawn = shelf.drawn_to(person)
        self._owned: set[int] = set()
        self._next_part: int | None = None
        self._events: list[Event] = []

    def run(self, searches: Mapping[NeedKind, Sequence[str]]) -> list[Event]:
        for day in visit_days(self._person, self._rng):
            self._visit(day)
        for need in self._person.needs:
            self._follow_need(need, searches[need.kind])
        return sorted((event for event in self._events if event.day < LAST_DAY), key=lambda event: event.day)

    def _note(self, day: float, kind: str, item: Item | None, value: float | None = None, **properties: Any) -> None:
        item_id = item.item_id if item else None
        number = len(self._events) + 1
        self._events.append(Event(number, float(day), kind, self._person.user_id, item_id, value, properties))

    def _visit(self, day: float) -> None:
        views = 1 + int(self._rng.poisson(0.9))
        for n in range(views):
            at = day + (n * 4 + self._rng.random()) / 1440
            following = self._following(day)
            index = self._pick(day) if following is None else following
            if index is not None:
                self._view(at, index, continued=following is not None)

    def _following(self, day: float) -> int | None:
        """The next part of the series that was completed last, if it is out, not owned, and now is the time for it."""
        index = self._next_part
        if index is None or index in self._owned or int(self._shelf.published[index]) > day:
            return None
        return index if self._rng.random() < 0.55 else None

    def _pick(self, day: float) -> int | None:
        """An item out by `day` and not owned, by interest, need and taste; None when three draws found none."""
        shares = attention(self._person, day)
        for _ in range(3):
            domain = int(np.searchsorted(np.cumsum(shares), self._rng.random() * shares.sum()))
            within = int(np.searchsorted(self._drawn[domain], self._rng.random()))
            index = int(self._shelf.blocks[domain].start) + within
            if int(self._shelf.published[index]) <= day and index not in self._owned:
                return index
        return None

    def _view(self, day: float, index: int, *, continued: bool) -> None:
        item = self._shelf.items[index]
        if self._rng.random() < 0.18:
            self._note(day - 0.0004, "content_searched", None, query=item.topic_name[self._person.locale])
        self._note(day, "content_viewed", item, seconds=int(20 + self._rng.exponential(120)))
        if continued:
            self._next_part = None
        if self._rng.random() < self._willingness(index) * (2.2 if continued else 1.0):
            self._take(day + 0.002, index)

    def _willingness(self, index: int) -> float:
        dear = np.exp(-1.2 * self._person.price_sensitivity * self._shelf.price[index] / 200)
        return float(0.26 * self._shelf.quality[index] * dear)

    def _take(self, day: float, index: int) -> None:
        item, quality = self._shelf.items[index], float(self._shelf.quality[index])
        self._owned.add(index)
        self._note(day, "purchase_completed", item, float(item.price))
        if self._rng.random() < 0.02 + 0.10 * (1 - quality):
            self._note(day + self._rng.uniform(0.1, 6), "purchase_refunded", item, float(item.price))
        elif self._rng.random() < 0.30 + 0.55 * quality:
            self._complete(day + 0.05 + self._rng.exponential(5), index)

    def _complete(self, day: float, index: int) -> None:
        item = self._shelf.items[index]
        self._note(day, "content_completed", item)
        if self._rng.random() < 0.35:
            stars = round(1 + 4.4 * float(self._shelf.quality[index]) + self._rng.normal(0, 0.6))
            self._note(day + 0.01, "content_rated", item, rating=int(np.clip(stars, 1, 5)))
        if self._rng.random() < 0.05:
            self._note(day + 0.02, "content_shared", item)
        if self._rng.random() < 0.04:
            self._note(day + 0.03, "content_commented", item)
        self._go_on(day + 0.04, int(self._shelf.sequel[index]))

    def _go_on(self, day: float, sequel: int) -> None:
        """Who has finished a part looks at the next one at once, or at some later visit."""
        if sequel < 0:
            return
        out = int(self._shelf.published[sequel]) <= day
        if out and sequel not in self._owned and self._rng.random() < 0.45:
            self._view(day, sequel, continued=True)
        else:
            self._next_part = sequel

    def _follow_need(self, need: Need, searches: Sequence[str]) -> None:
        """The insurance side of a life event: a search, offers, and for some a quote and a policy."""
        day = need.day + self._rng.uniform(0, 6)
        self._note(day, "content_searched", None, query=searches[int(self._rng.integers(len(searches)))])
        for kind in PULLS[need.kind].products:
            day += self._rng.uniform(0.01, 4)
            self._note(day, "offer_shown", None, product_kind=kind)
            for n, (step, chance) in enumerate(_FUNNEL):
                if self._rng.random() > chance:
                    break
                self._note(day + (n + 1) * 0.003, step, None, product_kind=kind)


def attention(person: Person, day: float) -> NDArray[np.float64]:
    """Share of attention by domain on `day`: interests drift from start to end, live needs pull."""
    progress = min(1.0, (day - FIRST_DAY) / -FIRST_DAY)
    shares: NDArray[np.float64] = (1 - progress) * person.interests_start + progress * person.interests_end
    for need in person.needs:
        pull = need.pull_at(day)
        shares = (1 - pull) * shares
        shares[DOMAINS.index(PULLS[need.kind].domain)] += pull
    return shares


def visit_days(person: Person, rng: np.random.Generator) -> NDArray[np.float64]:
    """Moments of visits, in order. The inactive have stopped coming at some point; some people joined late."""
    first = rng.uniform(FIRST_DAY, -40) if rng.random() < 0.25 else float(FIRST_DAY)
    last = rng.uniform(first + 5, -25) if person.activity == "inactive" else float(LAST_DAY)
    share = 1.0 if person.activity == "inactive" else (last - first) / -FIRST_DAY
    count = max(1, int(rng.poisson(person.sessions * share)))
    days = np.floor(rng.uniform(first, last, count))
    peak = 12.5 if rng.random() < 0.3 else 20.5
    hours = np.clip(rng.normal(peak, 2.0, count), 6.0, 23.2)
    moments: NDArray[np.float64] = np.sort(days + hours / 24)
    return moments
