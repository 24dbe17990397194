"""Features of a person as sums that add: the order of events does not matter, nor whether they come one by one or in bulk.

Decay is forward (Cormode, Shkapenyuk, Srivastava and Xu, "Forward decay", ICDE 2009): an event at time t adds
exp((t - EPOCH) / tau) once and for all, and reading at time T multiplies the sum by exp(-(T - EPOCH) / tau). With tau of 30
days doubles hold this from 1963 to 2077.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import exp
from operator import add
from typing import NamedTuple

from services.profile.events import COMPLETION, IMPRESSIONS, INTEREST_WEIGHT, PURCHASE, REFUND, Event

EPOCH_S = 1_577_836_800.0  # 2020-01-01T00:00:00Z
DAY_S = 86_400.0
ACTIVITY_TAU_S = 30 * DAY_S
INTEREST_TAU_S = 90 * DAY_S
SPEND_TAU_S = 365 * DAY_S

PAID_SIGN = {PURCHASE: 1.0, REFUND: -1.0}
"""The events whose value is money that the person spent, or got back."""

NIGHT_HOURS = frozenset({22, 23, 0, 1, 2, 3, 4})


def _decayed(total: float, as_of: float, tau: float) -> float:
    return total * exp(-(as_of - EPOCH_S) / tau)


class PersonSums(NamedTuple):
    """What a person's activity adds up to. Times are seconds since 1970; `hours` counts events by hour of the day in UTC."""

    events: int = 0
    first_at: float = math.inf
    last_at: float = -math.inf
    activity: float = 0.0  # forward-decayed count, ACTIVITY_TAU_S
    hours: tuple[int, ...] = (0,) * 24

    def __add__(self, other: "PersonSums") -> "PersonSums":  # type: ignore[override]
        return PersonSums(
            self.events + other.events,
            min(self.first_at, other.first_at),
            max(self.last_at, other.last_at),
            self.activity + other.activity,
            tuple(map(int.__add__, self.hours, other.hours)),
        )


class ItemSums(NamedTuple):
    """What one person did with one item. Money is in the home currency, refunds subtracted."""

    events: int = 0
    purchases: int = 0
    refunds: int = 0
    completions: int = 0
    interest: float = 0.0  # forward-decayed INTEREST_WEIGHT, INTEREST_TAU_S
    paid: float = 0.0
    spend: float = 0.0  # forward-decayed `paid`, SPEND_TAU_S

    def __add__(self, other: "ItemSums") -> "ItemSums":  # type: ignore[override]
        return ItemSums(*map(add, self, other))


def _sums_of_person(times: Sequence[float]) -> PersonSums:
    """The sums of events at `times`."""
    hours = [0] * 24
    for at in times:
        hours[int(at // 3600) % 24] += 1
    activity = sum([exp((at - EPOCH_S) / ACTIVITY_TAU_S) for at in times])
    return PersonSums(len(times), min(times), max(times), activity, tuple(hours))


def _sums_of_event(event: Event, at: float, home_currency: str) -> ItemSums:
    """The sums of one event at `at` that is about an item."""
    name = event.name or ""
    paid = 0.0
    if event.value is not None and event.currency in (None, home_currency):
        paid = float(event.value) * PAID_SIGN.get(name, 0.0)
    return ItemSums(
        1,
        name == PURCHASE,
        name == REFUND,
        name == COMPLETION,
        INTEREST_WEIGHT[name] * exp((at - EPOCH_S) / INTEREST_TAU_S),
        paid,
        paid and paid * exp((at - EPOCH_S) / SPEND_TAU_S),
    )


class Sums(NamedTuple):
    """The sums of many events: of each person, and of each person with each item."""

    people: dict[str, PersonSums]
    items: dict[str, dict[str, ItemSums]]


def fold(events: Iterable[Event], home_currency: str) -> Sums:
    """Add up any number of events of one tenant. An amount in another currency is kept on the event and counts nothing here."""
    times: defaultdict[str, list[float]] = defaultdict(list)
    items: defaultdict[str, dict[str, ItemSums]] = defaultdict(dict)
    for event in events:
        at = event.occurred_at.timestamp()
        if event.kind == "page" or (event.kind == "track" and event.name not in IMPRESSIONS):
            times[event.user_id].append(at)
        if event.item_id is not None and event.name in INTEREST_WEIGHT:
            of_person, sums = items[event.user_id], _sums_of_event(event, at, home_currency)
            held = of_person.get(event.item_id)
            of_person[event.item_id] = sums if held is None else held + sums
    return Sums({user_id: _sums_of_person(when) for user_id, when in times.items()}, items)


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """One person's sums with one item, and what is known of the item: nothing until recommend has published it."""

    sums: ItemSums
    domain: str | None = None
    price: float | None = None  # in the home currency


@dataclass(frozen=True, slots=True)
class Features:
    """A person at one moment, in natural units."""

    recency_days: float
    tenure_days: float
    events: int
    events_30d: float  # each event counts exp(-age / 30 days): at a steady pace, the number of events in 30 days
    purchases: int
    refunds: int
    spend: float  # each amount counts exp(-age / 365 days)
    spend_total: float
    completion: float | None  # share of the acquired items that were completed
    refund_rate: float | None  # refunds by purchase
    price_sensitivity: float | None  # share saved against the list prices of what was bought
    night_share: float | None  # share of the activity from 22:00 to 05:00 local time
    peak_hour: int | None
    interests: dict[str, float] = field(default_factory=dict)  # share by domain, 0..1, sums to 1
    domain_events: dict[str, int] = field(default_factory=dict)

    def earlier(self, seconds: float) -> "Features":
        """The same history read `seconds` earlier, never before its last event: what a lagging clock would have seen."""
        back = max(0.0, min(seconds, self.recency_days * DAY_S))
        return replace(
            self,
            recency_days=self.recency_days - back / DAY_S,
            events_30d=self.events_30d * exp(back / ACTIVITY_TAU_S),
            spend=self.spend * exp(back / SPEND_TAU_S),
        )


def describe(person: PersonSums, items: Iterable[ItemFacts], *, as_of: float, utc_offset_h: int) -> Features:
    """The features at `as_of` (seconds since 1970; read at the last event where that is later)."""
    as_of = max(as_of, person.last_at)
    held = list(items)
    purchases = sum(item.sums.purchases for item in held)
    refunds = sum(item.sums.refunds for item in held)
    hours = tuple(person.hours[(hour - utc_offset_h) % 24] for hour in range(24))
    seen = sum(hours)
    return Features(
        recency_days=(as_of - person.last_at) / DAY_S if person.events else 0.0,
        tenure_days=(as_of - person.first_at) / DAY_S if person.events else 0.0,
        events=person.events,
        events_30d=_decayed(person.activity, as_of, ACTIVITY_TAU_S) if person.events else 0.0,
        purchases=purchases,
        refunds=refunds,
        spend=_decayed(sum(max(0.0, item.sums.spend) for item in held), as_of, SPEND_TAU_S) if held else 0.0,
        spend_total=sum(max(0.0, item.sums.paid) for item in held),
        completion=_completion(held),
        refund_rate=min(1.0, refunds / purchases) if purchases else None,
        price_sensitivity=_price_sensitivity(held),
        night_share=sum(hours[hour] for hour in NIGHT_HOURS) / seen if seen else None,
        peak_hour=hours.index(max(hours)) if seen else None,
        interests=_interests(held),
        domain_events=_domain_events(held),
    )


def _completion(items: Iterable[ItemFacts]) -> float | None:
    acquired = [i.sums for i in items if i.sums.purchases > i.sums.refunds or i.sums.completions]
    return sum(1 for sums in acquired if sums.completions) / len(acquired) if acquired else None


def _price_sensitivity(items: Iterable[ItemFacts]) -> float | None:
    """1 - paid / list price over what was bought and kept, where amount and list price are known; 0 when nothing was saved."""
    listed = paid = 0.0
    for item in items:
        kept = item.sums.purchases - item.sums.refunds
        if item.price and kept > 0 and item.sums.paid > 0:
            listed += item.price * kept
            paid += min(item.sums.paid, item.price * kept)
    return 1.0 - paid / listed if listed else None


def _interests(items: Iterable[ItemFacts]) -> dict[str, float]:
    """Shares by domain, largest first. Decay cancels out, as every item decays alike. Below zero, a refunded item counts zero."""
    totals: defaultdict[str, float] = defaultdict(float)
    for item in items:
        if item.domain is not None and item.sums.interest > 0:
            totals[item.domain] += item.sums.interest
    whole = sum(totals.values())
    return {domain: total / whole for domain, total in sorted(totals.items(), key=lambda pair: (-pair[1], pair[0]))}


def _domain_events(items: Iterable[ItemFacts]) -> dict[str, int]:
    counts: defaultdict[str, int] = defaultdict(int)
    for item in items:
        if item.domain is not None:
            counts[item.domain] += item.sums.events
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
