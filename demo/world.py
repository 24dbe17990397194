"""Everything that the simulator makes from one seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from demo.catalogue import Item, build_catalogue
from demo.journey import Event, Journey
from demo.needs import example_messages
from demo.people import Person, draw_people
from demo.shelf import Shelf

PEOPLE = 2_000
DEFAULT_SEED = 20_260


@dataclass(frozen=True, slots=True)
class World:
    """Items, people, and the events before the load in order of time; `future` holds those of the four weeks after."""

    seed: int
    items: Sequence[Item]
    people: Sequence[Person]
    events: Sequence[Event]
    future: Sequence[Event]


def simulate(seed: int = DEFAULT_SEED, *, people: int = PEOPLE) -> World:
    """The same seed gives the same world; fewer people leave those who remain unchanged."""
    items = build_catalogue(seed)
    population = draw_people(people, seed)
    shelf = Shelf.of(items)
    lives = (_live(person, number, shelf, seed) for number, person in enumerate(population, start=1))
    events = sorted(chain.from_iterable(lives), key=lambda event: (event.day, event.user_id, event.number))
    past = sum(1 for event in events if event.day < 0)
    return World(seed, items, population, events[:past], events[past:])


def _live(person: Person, number: int, shelf: Shelf, seed: int) -> list[Event]:
    searches = {kind: texts[person.locale] for kind, texts in example_messages().items()}
    return Journey(person, shelf, np.random.default_rng([seed, 3, number])).run(searches)
