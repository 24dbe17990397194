"""The serving model's scores for many people at once: the same arrays through sparse products (parity is tested)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from services.recommend.blend import Term
from services.recommend.model import RecommendModel
from training.recommend.histories import Histories, Ints
from training.recommend.neighbour_rows import as_sparse

Dense = npt.NDArray[np.float32]
_BLOCK_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Block:
    """Some people and every item: `own` is true where the person has the item."""

    people: Ints
    raw: dict[str, Dense]
    periods: Ints
    own: tuple[Ints, Ints]


class BatchScorer:
    """Scores people of `histories` as the model would at each one's last moment."""

    def __init__(self, model: RecommendModel, histories: Histories) -> None:
        self._model = model
        self._histories = histories
        self._matrices = {name: as_sparse(rows) for name, rows in model.matrices.items()}
        self._item_categories = as_sparse(model.item_categories)

    def blocks(self, people: Ints) -> Iterator[Block]:
        """The raw score of each term, people by people, within bounded memory."""
        step = max(1, _BLOCK_BYTES // (4 * max(1, len(self._model.item_ids))))
        for begin in range(0, len(people), step):
            yield self._block(people[begin : begin + step])

    def blended(self, block: Block) -> Dense:
        """People x items, own items at -infinity."""
        scores = self.popularity(block.periods)
        for term in self._model.blend.terms:
            if term.weight > 0:
                scores += term.curve(block.raw[term.name])
        scores[block.own] = -np.inf
        return scores

    def popularity(self, periods: Ints) -> Dense:
        """The popularity part of the score in each of the periods."""
        return self._model.prior[periods].astype(np.float32)

    def _block(self, people: Ints) -> Block:
        blend = self._model.blend
        all_entries = self._histories.of(people)
        latest = all_entries.latest(blend.history_length)
        recent = latest.matrix(latest.weights * latest.recency(blend.half_life_days))
        last = latest.matrix(np.where(latest.from_last == 0, latest.weights, 0.0))
        given = {"recent": recent, "last": last, "taste": self._taste(recent)}
        raw = {term.name: self._raw(term, given[term.reads]) for term in blend.terms}
        steps = np.floor((all_entries.last_moments - blend.prior_start) / blend.prior_step).astype(np.int64)
        periods = np.clip(steps, 0, len(self._model.prior) - 1)
        return Block(people, raw, periods, (all_entries.owners, all_entries.items))

    def _taste(self, recent: sp.csr_matrix) -> sp.csr_matrix:
        total = np.asarray(recent.sum(axis=1)).ravel()
        return sp.csr_matrix(sp.diags(1 / np.maximum(total, 1e-9)) @ (recent @ self._item_categories))

    def _raw(self, term: Term, given: sp.csr_matrix) -> Dense:
        # A product of sparse matrices, even where the result is nearly full, is quicker than touching 8,000 columns a row.
        return np.asarray((given @ self._matrices[term.matrix]).toarray(), np.float32)


def top_items(scores: Dense, k: int) -> Ints:
    """The k best columns of each row, best first; of equals the first column. -infinity comes last."""
    count = min(k, scores.shape[1])
    found = np.argpartition(-scores, count - 1, axis=1)[:, :count] if count else np.zeros((len(scores), 0), np.int64)
    found.sort(axis=1)
    order = np.argsort(-np.take_along_axis(scores, found, axis=1), axis=1, kind="stable")
    return np.take_along_axis(found, order, axis=1)
