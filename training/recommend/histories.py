"""Everybody's past in arrays, and the cut that validation needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from services.recommend.history import DAY_S
from services.recommend.interaction import REFUNDED, WEIGHTS
from training.recommend.columns import InteractionColumns

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Matrix = sp.csr_matrix


@dataclass(frozen=True, slots=True)
class Histories:
    """Person u's items are entries `start[u]` to `start[u + 1]`, oldest first; a person has an item once."""

    start: Ints
    items: Ints
    moments: Floats
    weights: Floats
    n_items: int

    @property
    def people(self) -> int:
        return len(self.start) - 1

    @property
    def lengths(self) -> Ints:
        return np.diff(self.start)

    @property
    def owners(self) -> Ints:
        """The person of each entry."""
        return np.repeat(np.arange(self.people), self.lengths)

    @property
    def from_last(self) -> Ints:
        """How many of the person's entries follow each entry; 0 for the last."""
        return self.start[1:][self.owners] - 1 - np.arange(len(self.items))

    @property
    def last_moments(self) -> Floats:
        """Each person's latest moment; 0 without entries."""
        last = np.zeros(self.people)
        some = self.lengths > 0
        last[some] = self.moments[self.start[1:][some] - 1]
        return last

    def matrix(self, values: npt.NDArray[Any]) -> Matrix:
        """People x items with one value per entry."""
        shape = (self.people, self.n_items)
        return sp.csr_matrix((values.astype(np.float32), self.items.astype(np.int32), self.start), shape=shape)

    def kept(self, entries: npt.NDArray[np.bool_]) -> "Histories":
        """The same people with some of the entries."""
        start = np.concatenate([[0], np.cumsum(np.bincount(self.owners[entries], minlength=self.people))])
        return Histories(start, self.items[entries], self.moments[entries], self.weights[entries], n_items=self.n_items)

    def latest(self, length: int) -> "Histories":
        """At most the `length` latest entries of each person."""
        return self if not len(self.items) or self.lengths.max() <= length else self.kept(self.from_last < length)

    def recency(self, half_life_days: float) -> Floats:
        """A factor per entry, 1 at the person's last moment and halved every half-life before it."""
        age = (self.last_moments[self.owners] - self.moments) / DAY_S
        return np.asarray(0.5 ** (age / half_life_days), np.float64)

    def of(self, people: Ints) -> "Histories":
        """Some people, in the given order."""
        lengths = self.lengths[people]
        start = np.concatenate([[0], np.cumsum(lengths)])
        places = np.arange(start[-1]) + np.repeat(self.start[people] - start[:-1], lengths)
        return Histories(start, self.items[places], self.moments[places], self.weights[places], n_items=self.n_items)


def index_of(ids: Sequence[str]) -> dict[str, int]:
    """A row per distinct id, in order of appearance."""
    return {name: row for row, name in enumerate(dict.fromkeys(ids))}


def build_histories(columns: InteractionColumns, people: dict[str, int], items: dict[str, int]) -> Histories:
    """Repeats become one entry with the latest moment and the strongest type; refunded pairs and other types are left out."""
    known = [WEIGHTS.get(name, -1.0) for name in columns.types] if columns.types is not None else [1.0] * len(columns)
    weights = np.array(known, np.float64)
    users = np.array([people.get(user, -1) for user in columns.user_ids], np.int64)
    rows = np.array([items.get(item, -1) for item in columns.item_ids], np.int64)
    moments = np.array(columns.timestamps, np.float64)
    refunds = np.array([name == REFUNDED for name in columns.types or ()], np.bool_)
    inside = (users >= 0) & (rows >= 0) & (weights >= 0)
    width = max(len(items), 1)
    pair, place = np.unique(users[inside] * width + rows[inside], return_inverse=True)
    latest, strongest = np.full(len(pair), -np.inf), np.zeros(len(pair))
    np.maximum.at(latest, place, moments[inside])
    np.maximum.at(strongest, place, weights[inside])
    if refunds.size:
        strongest[place[refunds[inside]]] = 0.0
    kept = strongest > 0
    pair, latest, strongest = pair[kept], latest[kept], strongest[kept]
    # Within one moment by item, so that the order of the input rows decides nothing.
    order = np.lexsort((pair % width, latest, pair // width))
    start = np.concatenate([[0], np.cumsum(np.bincount(pair // width, minlength=len(people)))])
    return Histories(start, (pair % width)[order], latest[order], strongest[order], n_items=len(items))


def cut_last(histories: Histories, share: float, people: Ints, *, seed: int) -> tuple[Histories, Histories]:
    """What came first and what came last: `share` of the entries of each of the given people, at least one, and two or more had.

    Everybody else stays whole in the first part. Within one moment chance decides: any fixed order of items would be learned
    as if it meant something.
    """
    held = np.zeros(histories.people, np.int64)
    held[people] = held_counts(histories.lengths[people], share)
    owners = histories.owners
    by_time = np.lexsort((np.random.default_rng(seed).random(len(owners)), histories.moments, owners))
    late = np.zeros(len(owners), np.bool_)
    late[by_time] = histories.from_last < held[owners]
    return histories.kept(~late), histories.kept(late)


def held_counts(lengths: Ints, share: float) -> Ints:
    """How many of so many entries are held back."""
    return np.where(lengths > 1, np.maximum(1, np.floor(lengths * share + 1e-9)), 0).astype(np.int64)


def alike_when_cut(histories: Histories, share: float, people: int, *, seed: int) -> Ints:
    """People for validation whose pasts, once cut, are about as long as everybody's are uncut.

    Weights that were fitted on pasts shorter than those that will be served trust popularity too much. People are drawn
    without replacement, each by how much rarer its cut length is among the cut than among the whole (Efraimidis, Spirakis 2006).
    """
    able = np.flatnonzero(histories.lengths > 1)
    cut = _length_class(histories.lengths[able] - held_counts(histories.lengths[able], share))
    whole = np.bincount(_length_class(histories.lengths[histories.lengths > 0]), minlength=_CLASSES)
    rarity = whole[cut] / np.maximum(np.bincount(cut, minlength=_CLASSES)[cut], 1)
    # Lengths that nobody has uncut come last, and only serve where there is nobody else.
    key = np.random.default_rng(seed).exponential(size=len(able)) / np.maximum(rarity, 1e-9)
    wanted = people if (rarity > 0).sum() >= people else max(int((rarity > 0).sum()), min(people, _ENOUGH))
    return np.sort(able[np.argsort(key, kind="stable")[:wanted]])


_BOUNDS = np.array([2, 3, 4, 6, 10, 20, 50])
_CLASSES = len(_BOUNDS) + 1
_ENOUGH = 500


def _length_class(lengths: Ints) -> Ints:
    return np.searchsorted(_BOUNDS, lengths, side="right")
