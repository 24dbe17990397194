"""What the simulator knows and the product has to find out; for judging the product, never loaded into it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from demo.catalogue import DOMAINS
from demo.journey import attention
from demo.needs import PULLS, Need
from demo.people import Activity, Person
from demo.world import World

_TAKEN = "purchase_completed"
_SEEN = "content_viewed"


@dataclass(frozen=True, slots=True)
class PersonTruth:
    activity: Activity
    interests: Mapping[str, float]  # share by domain at the load, needs included
    price_sensitivity: float
    needs: tuple[Need, ...]
    owned: frozenset[str]  # bought before the load and kept
    next_seen: frozenset[str]  # items first opened in the four weeks after the load
    next_taken: frozenset[str]  # items bought in the four weeks after the load


@dataclass(frozen=True, slots=True)
class Truth:
    """By user id. `sequels` maps an item to the next part of its series, `quality` to 0..1."""

    seed: int
    people: Mapping[str, PersonTruth]
    sequels: Mapping[str, str]
    quality: Mapping[str, float]

    def document(self) -> dict[str, Any]:
        """The truth as plain JSON values."""
        people = {user_id: _person_document(person) for user_id, person in self.people.items()}
        return {
            "notice": "Synthetic demo data: nobody here exists.",
            "seed": self.seed,
            "people": people,
            "sequels": dict(self.sequels),
            "quality": dict(self.quality),
        }


def truth_of(world: World) -> Truth:
    before, bought = _items(world, _SEEN), _items(world, _TAKEN)
    refunded = _items(world, "purchase_refunded")
    seen, taken = _items(world, _SEEN, future=True), _items(world, _TAKEN, future=True)
    return Truth(
        seed=world.seed,
        people={
            who: PersonTruth(
                activity=person.activity,
                interests=_interests(person),
                price_sensitivity=round(person.price_sensitivity, 4),
                needs=person.needs,
                owned=frozenset(bought[who] - refunded[who]),
                next_seen=frozenset(seen[who] - before[who]),
                next_taken=frozenset(taken[who]),
            )
            for person in world.people
            for who in [person.user_id]
        },
        sequels={item.item_id: item.sequel for item in world.items if item.sequel},
        quality={item.item_id: item.quality for item in world.items},
    )


def _interests(person: Person) -> dict[str, float]:
    return {domain: round(float(share), 4) for domain, share in zip(DOMAINS, attention(person, -0.5), strict=True)}


def _items(world: World, kind: str, *, future: bool = False) -> Mapping[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for event in world.future if future else world.events:
        if event.type == kind and event.item_id:
            found[event.user_id].add(event.item_id)
    return found


def _person_document(person: PersonTruth) -> dict[str, Any]:
    return {
        "activity": person.activity,
        "interests": dict(person.interests),
        "price_sensitivity": person.price_sensitivity,
        "needs": [
            {"kind": need.kind, "day": need.day, "products": list(PULLS[need.kind].products)} for need in person.needs
        ],
        "owned": sorted(person.owned),
        "next_seen": sorted(person.next_seen),
        "next_taken": sorted(person.next_taken),
    }
