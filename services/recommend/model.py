"""The fitted recommender as it serves: sparse matrices read by memory map, one person scored at a time. Pure numpy.

What `training.recommend` evaluates are these same arrays. The method is explained in docs/recommend.md.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from services.kit.artifacts import Manifest
from services.recommend.blend import Blend, Scores, Source, Term
from services.recommend.history import HistoryEntry, Recent, recent_items
from services.recommend.neighbours import Gathered, Neighbours
from services.recommend.rank import Evidence, EvidenceKind, Mask, Ranked, best

KIND = "recommend"
FORMAT = 1
ITEM_MATRICES = ("ease", "knn", "markov", "text")
DECLARED_SHARE = 0.25
"""How much of the taste comes from the given affinity where a history speaks too; without a history it is all of it."""
_CONTEXT_WEIGHT = 1.0
_KINDS: dict[Source, EvidenceKind] = {
    "ease": "because_of",
    "knn": "because_of",
    "markov": "follows",
    "text": "resembles",
}


@dataclass(frozen=True, slots=True)
class Scored:
    """Everything one person's list is made from. `blended` and each of `parts` have one entry per item of the catalogue."""

    blended: Scores
    parts: Mapping[str, Scores]
    gathered: Mapping[str, Gathered]
    recent: Recent
    taste: npt.NDArray[np.float32]
    popularity: Scores


@dataclass(frozen=True, repr=False)
class RecommendModel:
    """Row i of everything is item `item_ids[i]`; column c of the category matrices is `categories[c]`."""

    item_ids: tuple[str, ...]
    categories: tuple[str, ...]
    blend: Blend
    matrices: Mapping[str, Neighbours]
    """By name. ease, knn, markov, text: row i says what having item i tells of the others. category: row c lists its items."""
    item_categories: Neighbours
    """Row i: the categories of item i, each worth 1 / sqrt(items in it + 1)."""
    prior: npt.NDArray[np.float32]
    """Row p: popularity and trend of each item before period p began, with their fitted weights already in."""
    popularity: npt.NDArray[np.float32]
    """Interactions of each item, decayed to the end of the data."""
    metadata: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"RecommendModel({len(self.item_ids)} items, {len(self.categories)} categories)"

    @cached_property
    def index(self) -> dict[str, int]:
        return {item_id: row for row, item_id in enumerate(self.item_ids)}

    @cached_property
    def category_index(self) -> dict[str, int]:
        return {name: column for column, name in enumerate(self.categories)}

    def mask(self, item_ids: Collection[str]) -> Mask:
        """True at the rows of the given items; others are ignored."""
        marked = np.zeros(len(self.item_ids), np.bool_)
        marked[[self.index[item] for item in item_ids if item in self.index]] = True
        return marked

    def score(
        self,
        history: Sequence[HistoryEntry],
        *,
        now: float,
        affinity: Mapping[str, float] | None = None,
        context_item: str | None = None,
    ) -> Scored:
        """Score every item for one person. Unknown items and categories are ignored; `now` picks the popularity of its time."""
        if context_item is not None:
            history = [*history, (context_item, max([now, *(at for _, at, _ in history)]), _CONTEXT_WEIGHT)]
        recent = recent_items(
            history, self.index, half_life_days=self.blend.half_life_days, length=self.blend.history_length
        )
        popularity = self.prior[self.blend.period(now, len(self.prior))]
        return self._blend(recent, self._taste(recent, affinity or {}), popularity)

    def recommend(
        self,
        history: Sequence[HistoryEntry],
        *,
        limit: int,
        now: float,
        exclude: Collection[str] = (),
        allowed: Mask | None = None,
        affinity: Mapping[str, float] | None = None,
        context_item: str | None = None,
    ) -> list[Ranked]:
        """The best `limit` items among `allowed` (one entry per row; all by default), best first, without the excluded."""
        scored = self.score(history, now=now, affinity=affinity, context_item=context_item)
        shown = np.ones(len(self.item_ids), np.bool_) if allowed is None else allowed.copy()
        shown &= ~self.mask({*exclude, context_item} if context_item else exclude)
        return self._explained(scored, best(scored.blended, shown, limit))

    def similar(self, item_id: str, *, limit: int, allowed: Mask | None = None) -> list[Ranked]:
        """Items that go with one item, popularity left aside. KeyError for an item that the model does not know."""
        row = self.index[item_id]
        recent = Recent(np.array([row], np.int64), np.ones(1, np.float32))
        scored = self._blend(recent, self._taste(recent, {}), np.zeros(len(self.item_ids), np.float32))
        shown = scored.blended > 0
        shown[row] = False
        return self._explained(scored, best(scored.blended, shown if allowed is None else shown & allowed, limit))

    def popular(self, *, limit: int, category: str | None = None, allowed: Mask | None = None) -> list[Ranked]:
        """The most popular items, in one category or in all; an unknown category has none. Scores are shares of the first."""
        shown = np.ones(len(self.item_ids), np.bool_) if allowed is None else allowed.copy()
        if category is not None:
            column = self.category_index.get(category)
            inside = self._category_items(column) if column is not None else np.zeros(0, np.int64)
            shown &= np.isin(np.arange(len(shown)), inside)
        evidence = Evidence("popular") if category is None else Evidence("popular_in_category", category=category)
        rows = best(self.popularity, shown, limit)
        top = max(float(self.popularity[rows[0]]), 1e-9) if rows.size else 1.0
        return [
            Ranked(self.item_ids[row], float(self.popularity[row]) / top, "popular", evidence) for row in rows.tolist()
        ]

    def _category_items(self, column: int) -> npt.NDArray[Any]:
        matrix = self.matrices["category"]
        return matrix.indices[matrix.indptr[column] : matrix.indptr[column + 1]]

    def _taste(self, recent: Recent, affinity: Mapping[str, float]) -> npt.NDArray[np.float32]:
        """A value per category: the mean of the recent items' categories, mixed with the given shares."""
        columns = len(self.categories)
        said = np.zeros(columns, np.float32)
        for name, share in affinity.items():
            column = self.category_index.get(name)
            if column is not None:
                said[column] = max(share, 0.0) / np.sqrt(len(self._category_items(column)) + 1)
        said /= max(sum(max(share, 0.0) for share in affinity.values()), 1e-9)
        if not len(recent):
            return said
        seen = self.item_categories.gather(recent.rows, recent.weights).total() / np.float32(recent.weights.sum())
        return seen if not said.any() else (1 - DECLARED_SHARE) * seen + DECLARED_SHARE * said

    def _blend(self, recent: Recent, taste: npt.NDArray[np.float32], popularity: Scores) -> Scored:
        parts: dict[str, Scores] = {}
        gathered: dict[str, Gathered] = {}
        blended = popularity.astype(np.float32)
        for term in self.blend.terms:
            rows, weights = _given(term, recent, taste)
            if term.weight > 0 and len(rows):
                gathered[term.name] = self.matrices[term.matrix].gather(rows, weights)
                parts[term.name] = term.curve(gathered[term.name].total())
                blended += parts[term.name]
        return Scored(blended, parts, gathered, recent, taste, popularity)

    def _explained(self, scored: Scored, rows: npt.NDArray[np.int64]) -> list[Ranked]:
        """The rows with what set each apart: the term that lies furthest above its mean over the person's best items."""
        if not rows.size:
            return []
        size = len(self.item_ids)
        best_few = min(size, max(10, min(100, size // 10)))
        pool = np.argpartition(scored.blended, size - best_few)[size - best_few :]
        popular = scored.popularity[rows] - scored.popularity[pool].mean()
        terms = [term for term in self.blend.terms if term.name in scored.parts]
        values = np.array([scored.parts[term.name][rows] for term in terms], np.float32).reshape(len(terms), len(rows))
        usual = np.array([scored.parts[term.name][pool].mean() for term in terms], np.float32)
        apart = np.where(values > 0, values - usual[:, None], -np.inf)
        return [self._ranked(scored, row, apart[:, n], float(popular[n]), terms) for n, row in enumerate(rows.tolist())]

    def _ranked(
        self, scored: Scored, row: int, apart: npt.NDArray[np.float32], popular: float, terms: Sequence[Term]
    ) -> Ranked:
        cold = not len(scored.recent)
        strongest = int(apart.argmax()) if terms else 0
        source: Source = "popular"
        evidence = Evidence("popular")
        # Without a past, a declared interest is the reason however popular the item is.
        if terms and apart[strongest] > -np.inf and (cold or apart[strongest] >= popular):
            source, evidence = terms[strongest].source, self._evidence(terms[strongest], scored, row)
        shown = self.blend.shown(float(scored.blended[row]))
        return Ranked(self.item_ids[row], shown, "cold" if cold else source, evidence)

    def _evidence(self, term: Term, scored: Scored, row: int) -> Evidence:
        owner = scored.gathered[term.name].strongest_row(row)
        if owner is None:
            return Evidence("popular")
        given, _ = _given(term, scored.recent, scored.taste)
        if term.reads == "taste":
            return Evidence("category", category=self.categories[int(given[owner])])
        return Evidence(_KINDS[term.source], item_id=self.item_ids[int(given[owner])])

    def save(self, folder: Path) -> None:
        """Write every file of the artifact: arrays as .npy, the rest as JSON."""
        for name, matrix in {**self.matrices, "item_categories": self.item_categories}.items():
            matrix.save(folder, name)
        np.save(folder / "prior.npy", self.prior, allow_pickle=False)
        np.save(folder / "popularity.npy", self.popularity, allow_pickle=False)
        head = {"format": FORMAT, "blend": self.blend.to_json(), "metadata": dict(self.metadata)}
        names = {"item_ids": self.item_ids, "categories": self.categories}
        (folder / "model.json").write_bytes(orjson.dumps(head, option=orjson.OPT_SERIALIZE_NUMPY))
        (folder / "names.json").write_bytes(orjson.dumps(names))

    @classmethod
    def load(cls, manifest: Manifest, path: Path) -> "RecommendModel":
        """ValueError for another kind or format, and for arrays that do not fit together."""
        head = orjson.loads((path / "model.json").read_bytes())
        if manifest.kind != KIND or head["format"] != FORMAT:
            raise ValueError(f"{manifest.kind} {head['format']} is not {KIND} {FORMAT}")
        names = orjson.loads((path / "names.json").read_bytes())
        items, categories = len(names["item_ids"]), len(names["categories"])
        matrices = {name: Neighbours.load(path, name, items) for name in (*ITEM_MATRICES, "category")}
        prior = np.load(path / "prior.npy", allow_pickle=False)
        if prior.shape[1:] != (items,) or any(matrices[name].rows != items for name in ITEM_MATRICES):
            raise ValueError(f"the arrays are not of {items} items")
        return cls(
            item_ids=tuple(names["item_ids"]),
            categories=tuple(names["categories"]),
            blend=Blend.from_json(head["blend"]),
            matrices=matrices,
            item_categories=Neighbours.load(path, "item_categories", categories),
            prior=prior,
            popularity=np.load(path / "popularity.npy", allow_pickle=False),
            metadata=head["metadata"],
        )


def _given(term: Term, recent: Recent, taste: npt.NDArray[np.float32]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Rows of the term's matrix that the person's past asks for, and their weights."""
    if term.reads == "taste":
        rows = np.flatnonzero(taste)
        return rows, taste[rows]
    if term.reads == "last":
        return recent.rows[-1:], recent.weights[-1:]
    return recent.rows, recent.weights
