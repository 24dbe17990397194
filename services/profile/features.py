"""Features of a person as sums that add: the order of events does not matter, nor whether they come one by one or in bulk.

Decay is forward (Cormode, Shkapenyuk, Srivastava and Xu, "Forward decay", ICDE 2009): an event at time t adds
exp((t - EPOCH) / tau) once and for all, and reading at time T multiplies the sum by exp(-(T - EPOCH) / tau). With tau of 30
days doubles hold this from 1963 to 2077.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from services.profile.events import COMPLETION, INTEREST_WEIGHT, PURCHASE, REFUND, Event

EPOCH_S = 1_577_836_800.0  # 2020-01-01T00:00:00Z
DAY_S = 86_400.0
ACTIVITY_TAU_S = 30 * DAY_S
INTEREST_TAU_S = 90 * DAY_S
SPEND_TAU_S = 365 * DAY_S

NIGHT_HOURS = frozenset({22, 23, 0, 1, 2, 3, 4})


def _grown(at: float, tau: float) -> float:
    return math.exp((at - EPOCH_S) / tau)


def _decayed(total: float, as_of: float, tau: float) -> float:
    return total * math.exp(-(as_of - EPOCH_S) / tau)


@dataclass(frozen=True, slots=True)
class PersonSums:
    """What a person's activity adds up to. Times are seconds since 1970; `hours` counts events by hour of the day in UTC."""

    events: int = 0
    first_at: float = math.inf
    last_at: float = -math.inf
    activity: float = 0.0  # forward-decayed count, ACTIVITY_TAU_S
    hours: tuple[int, ...] = (0,) * 24

    def __add__(self, other: "PersonSums") -> "PersonSums":
        return PersonSums(
            self.events + other.events,
            min(self.first_at, other.first_at),
            max(self.last_at, other.last_at),
            self.activity + other.activity,
            tuple(map(int.__add__, self.hours, other.hours)),
        )

    @classmethod
    def of(cls, events: Iterable[Event]) -> "PersonSums":
        """The sums over one person's events; those that are no activity add nothing."""
        times, hours, activity = [], [0] * 24, 0.0
        for event in events:
            if event.is_activity:
                at = event.occurred_at.timestamp()
                times.append(at)
                hours[int(at // 3600) % 24] += 1
                activity += _grown(at, ACTIVITY_TAU_S)
        return cls(len(times), min(times), max(times), activity, tuple(hours)) if times else cls()


@dataclass(frozen=True, slots=True)
class ItemSums:
    """What one person did with one item. Money is in the home currency, refunds subtracted."""

    events: int = 0
    purchases: int = 0
    refunds: int = 0
    completions: int = 0
    interest: float = 0.0  # forward-decayed INTEREST_WEIGHT, INTEREST_TAU_S
    paid: float = 0.0
    spend: float = 0.0  # forward-decayed `paid`, SPEND_TAU_S

    def __add__(self, other: "ItemSums") -> "ItemSums":
        return ItemSums(
            self.events + other.events,
            self.purchases + other.purchases,
            self.refunds + other.refunds,
            self.completions + other.completions,
            self.interest + other.interest,
            self.paid + other.paid,
            self.spend + other.spend,
        )

    @classmethod
    def of(cls, events: Iterable[Event], home_currency: str) -> "ItemSums":
        """The sums over one person's events with one item; all of them are named in INTEREST_WEIGHT."""
        count, purchases, refunds, completions, interest, paid, spend = 0, 0, 0, 0, 0.0, 0.0, 0.0
        for event in events:
            name, at = event.name or "", event.occurred_at.timestamp()
            count += 1
            purchases += name == PURCHASE
            refunds += name == REFUND
            completions += name == COMPLETION
            interest += INTEREST_WEIGHT[name] * _grown(at, INTEREST_TAU_S)
            if amount := _money(event, home_currency):
                paid += amount
                spend += amount * _grown(at, SPEND_TAU_S)
        return cls(count, purchases, refunds, completions, interest, paid, spend)


def _money(event: Event, home_currency: str) -> float:
    """What an event adds to spending. An amount in another currency is kept on the event and counts nothing here."""
    if event.value is None or event.currency not in (None, home_currency):
        return 0.0
    return {PURCHASE: 1.0, REFUND: -1.0}.get(event.name or "", 0.0) * float(event.value)


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums of many events: by person, and by (person, item)."""

    people: Mapping[str, PersonSums]
    items: Mapping[tuple[str, str], ItemSums]


def fold(events: Iterable[Event], home_currency: str) -> Sums:
    """Add up any number of events of one tenant."""
    by_person: defaultdict[str, list[Event]] = defaultdict(list)
    by_item: defaultdict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in events:
        by_person[event.user_id].append(event)
        if event.item_id is not None and event.name in INTEREST_WEIGHT:
            by_item[event.user_id, event.item_id].append(event)
    people = {person: PersonSums.of(of_person) for person, of_person in by_person.items()}
    items = {key: ItemSums.of(of_item, home_currency) for key, of_item in by_item.items()}
    return Sums({person: sums for person, sums in people.items() if sums.events}, items)


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
            events_30d=self.events_30d * math.exp(back / ACTIVITY_TAU_S),
            spend=self.spend * math.exp(back / SPEND_TAU_S),
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
