"""The catalogue as arrays, and how much one person is drawn to each item of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from demo.catalogue import DOMAINS, Item
from demo.people import Person

_SEQUEL_UNPROMPTED = 0.15  # few start with part two
_FOREIGN = 0.35  # a title in the other language is worth this much


@dataclass(frozen=True, slots=True)
class Shelf:
    """Arrays of length n_items, in catalogue order; `blocks` holds each domain's slice of them."""

    items: Sequence[Item]
    topic: NDArray[np.int64]
    price: NDArray[np.float64]
    quality: NDArray[np.float64]
    pull: NDArray[np.float64]  # appeal and quality together, the same for everybody
    english: NDArray[np.bool_]
    published: NDArray[np.int64]
    sequel: NDArray[np.int64]  # index of the next part, -1 for none
    blocks: tuple[slice, ...]

    @classmethod
    def of(cls, items: Sequence[Item]) -> Self:
        number = {item.item_id: n for n, item in enumerate(items)}
        topics = list(dict.fromkeys(item.topic for item in items))
        quality = np.array([item.quality for item in items])
        appeal = np.array([item.appeal for item in items])
        sequel = np.array([-1 if item.sequel is None else number[item.sequel] for item in items])
        unprompted = np.ones(len(items))
        unprompted[sequel[sequel >= 0]] = _SEQUEL_UNPROMPTED
        return cls(
            items=items,
            topic=np.array([topics.index(item.topic) for item in items]),
            price=np.array([float(item.price) for item in items]),
            quality=quality,
            pull=appeal * np.exp(2.5 * (quality - 0.7)) * unprompted,
            english=np.array([item.language == "en" for item in items]),
            published=np.array([item.published_day for item in items]),
            sequel=sequel,
            blocks=_blocks(items),
        )

    def drawn_to(self, person: Person) -> tuple[NDArray[np.float64], ...]:
        """Cumulative shares over the items of each domain, one array a domain, for drawing by searchsorted."""
        weight = self.pull * (0.02 + person.topic_taste[self.topic])
        weight = weight * np.exp(-1.5 * person.price_sensitivity * self.price / 300)
        weight = weight * np.where(self.english == (person.locale == "en"), 1.0, _FOREIGN)
        return tuple(_cumulative(weight[block]) for block in self.blocks)


def _blocks(items: Sequence[Item]) -> tuple[slice, ...]:
    found = [item.domain for item in items]
    return tuple(slice(found.index(domain), found.index(domain) + found.count(domain)) for domain in DOMAINS)


def _cumulative(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.cumsum(weight / weight.sum())
    return shares
