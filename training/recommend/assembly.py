"""From learned sources to the model that serves: terms, scales, candidates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from services.recommend.blend import Blend, Term
from services.recommend.model import RecommendModel
from training.recommend.batch import BatchScorer, Block, top_items
from training.recommend.blending import Candidates
from training.recommend.histories import Histories, Ints
from training.recommend.sources import Sources

TERMS = (
    Term("ease", "ease", "ease", "recent", weight=0.35, scale=1.0),
    Term("knn", "knn", "knn", "recent", weight=1.2, scale=1.0),
    Term("markov_last", "markov", "markov", "last", weight=0.3, scale=1.0),
    Term("markov_recent", "markov", "markov", "recent", weight=0.35, scale=1.0),
    Term("text", "text", "text", "recent", weight=1.3, scale=1.0),
    Term("category", "category", "category", "taste", weight=1.7, scale=1.0),
)
"""What is blended, with the weights for data that is too small to fit them."""
PRIOR_WEIGHTS = (0.5, 0.2, 0.0)
"""The same for popularity ever and the trends, in the order of `Popularity.features`."""
_BEND = 0.3


@dataclass(frozen=True, slots=True)
class Weights:
    """One weight per term of TERMS and per popularity feature."""

    terms: tuple[float, ...] = tuple(term.weight for term in TERMS)
    prior: tuple[float, ...] = PRIOR_WEIGHTS

    @property
    def vector(self) -> npt.NDArray[np.float64]:
        return np.array([*self.terms, *self.prior])

    @classmethod
    def of(cls, vector: npt.NDArray[np.float64]) -> "Weights":
        terms, prior = vector[: len(TERMS)], vector[len(TERMS) :]
        return cls(tuple(map(float, terms)), tuple(map(float, prior)))


def assemble(
    sources: Sources,
    item_ids: Sequence[str],
    weights: Weights,
    *,
    half_life_days: float,
    history_length: int,
    middle: float = 0.0,
    spread: float = 1.0,
    metadata: Mapping[str, Any] | None = None,
) -> RecommendModel:
    """A model whose scales are still 1; see `scaled`."""
    start, step = sources.popularity.start, sources.popularity.step
    blend = Blend(TERMS, half_life_days, history_length, middle, spread, start, step)
    model = RecommendModel(
        item_ids=tuple(item_ids),
        categories=sources.content.categories,
        blend=blend,
        matrices=sources.matrices,
        item_categories=sources.content.item_categories,
        prior=sources.popularity.features[0],
        popularity=sources.popularity.listed,
        metadata=metadata or {},
    )
    return reweighted(model, sources, weights)


def reweighted(model: RecommendModel, sources: Sources, weights: Weights) -> RecommendModel:
    """The model with other weights and the scales that it has."""
    terms = [replace(term, weight=weight) for term, weight in zip(model.blend.terms, weights.terms, strict=True)]
    prior = sum(np.float32(w) * part for w, part in zip(weights.prior, sources.popularity.features, strict=True))
    return replace(model, blend=replace(model.blend, terms=tuple(terms)), prior=np.asarray(prior, np.float32))


def scaled(model: RecommendModel, histories: Histories, people: Ints) -> RecommendModel:
    """The model with each term's curve bending at 0.3 of the median person's best raw score, own items left aside."""
    best: dict[str, list[npt.NDArray[np.float32]]] = {term.name: [] for term in model.blend.terms}
    for block in BatchScorer(model, histories).blocks(people):
        for name, raw in block.raw.items():
            raw[block.own] = 0
            best[name].append(raw.max(axis=1))
    terms = tuple(replace(term, scale=_scale(best[term.name])) for term in model.blend.terms)
    return replace(model, blend=replace(model.blend, terms=terms))


def _scale(best: Sequence[npt.NDArray[np.float32]]) -> float:
    values = np.concatenate([np.zeros(0, np.float32), *best])
    values = values[values > 0]
    return _BEND * float(np.median(values)) if values.size else 1.0


def candidates(
    model: RecommendModel, sources: Sources, early: Histories, late: Histories, people: Ints, *, depth: int
) -> Candidates:
    """Each term's `depth` best for each person and the `depth` most popular, with all features; people in order."""
    scorer = BatchScorer(model, early)
    parts = [_of_block(scorer, block, model.blend.terms, sources, late, depth) for block in scorer.blocks(people)]
    lengths = np.concatenate([np.zeros(0, np.int64), *(np.diff(part.start) for part in parts)])
    return Candidates(
        np.concatenate([[0], np.cumsum(lengths)]),
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.taken for part in parts]),
    )


def _of_block(
    scorer: BatchScorer, block: Block, terms: Sequence[Term], sources: Sources, late: Histories, depth: int
) -> Candidates:
    chosen = np.zeros((len(block.people), late.n_items), np.bool_)
    everybody = np.arange(len(block.people))[:, None]
    chosen[:, top_items(scorer.popularity(block.periods[:1]), depth)[0]] = True
    for raw in block.raw.values():
        chosen[everybody, top_items(raw, depth)] = True
    chosen[block.own] = False
    # Somebody who has everything still needs one row, or the segments of people would run together.
    chosen[~chosen.any(axis=1), :1] = True
    row, item = np.nonzero(chosen)
    features = [np.log1p(np.maximum(block.raw[term.name][row, item], 0) / term.scale) for term in terms]
    features += [part[block.periods[row], item] for part in sources.popularity.features]
    wanted = late.of(block.people)
    taken = np.isin(row * late.n_items + item, wanted.owners * late.n_items + wanted.items)
    start = np.concatenate([[0], np.cumsum(chosen.sum(axis=1))])
    return Candidates(start, np.stack(features, axis=1).astype(np.float32), taken)
