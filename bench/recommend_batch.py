"""Ten recommendations for each of 24,036 people in one process, against plain dense numpy EASE in the same run.

    python -m bench.recommend_batch [--people N]

Prints one JSON line. Ours is what the service calls: one person at a time, six sources, reasons included, read by memory map.
The peers are one source without reasons: the dense EASE rows of a person's items added up, and the textbook product of dense
people x items blocks with the dense weights.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bench.rig.courses import courses
from services.kit.artifacts import load_current, publish_artifact
from services.recommend.history import HistoryEntry
from services.recommend.model import KIND, RecommendModel
from training.recommend import fit
from training.recommend.baselines import EASE
from training.recommend.batch import BatchScorer, top_items
from training.recommend.ease import fit_ease
from training.recommend.histories import Histories, build_histories, index_of

LIMIT = 10
PRODUCT_PEOPLE = 2_000


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--people", type=int, default=None, help="fewer people than there are")
    wanted = arguments.parse_args().people
    source, interactions, items = courses()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        fitted = fit(interactions, items)
        publish_artifact(root, "default", KIND, fitted.save, fitted.metadata)
        size = sum(path.stat().st_size for path in root.rglob("*.*") if path.is_file())
        found = load_current(root, "default", KIND)
        if found is None:
            raise RuntimeError("the artifact that was just published is not there")
        model = RecommendModel.load(*found)
        past = build_histories(interactions, index_of(interactions.user_ids), model.index)
        people = np.arange(past.people if wanted is None else min(wanted, past.people))
        result = measure(model, past, people)
    print(json.dumps({"benchmark": "recommend_batch", "data": source, "artifact_mb": round(size / 1e6, 1), **result}))


def measure(model: RecommendModel, past: Histories, people: np.ndarray) -> dict[str, object]:
    histories = [history_of(model, past, person) for person in people.tolist()]
    weights = fit_ease(past.matrix(np.ones(len(past.items))), EASE)

    def ours(person: int) -> object:
        history = histories[person]
        return model.recommend(history, limit=LIMIT, now=history[-1][1], exclude=[item for item, _, _ in history])

    def dense(person: int) -> object:
        own = past.items[past.start[person] : past.start[person + 1]]
        scores = weights[own].sum(axis=0)
        scores[own] = -np.inf
        return top_items(scores[None, :], LIMIT)

    mine, peer = each_timed(ours, people), each_timed(dense, people)
    some = people[:PRODUCT_PEOPLE]
    begun = time.perf_counter()
    scores = past.of(some).matrix(np.ones(len(past.of(some).items))).toarray() @ weights
    scores[past.of(some).owners, past.of(some).items] = -np.inf
    top_items(scores, LIMIT)
    product = (time.perf_counter() - begun) / max(1, len(some))
    begun = time.perf_counter()
    scorer = BatchScorer(model, past)
    for block in scorer.blocks(people):
        top_items(scorer.blended(block), LIMIT)
    batch = time.perf_counter() - begun
    return {
        "people": len(people),
        "ours_s": round(mine.sum(), 2),
        "ours_ms_p50": round(1e3 * float(np.median(mine)), 3),
        "ours_ms_p99": round(1e3 * float(np.quantile(mine, 0.99)), 3),
        "dense_ease_s": round(peer.sum(), 2),
        "dense_ease_ms_p50": round(1e3 * float(np.median(peer)), 3),
        "dense_product_ms": round(1e3 * product, 3),
        "ratio_to_rows": round(float(mine.sum() / peer.sum()), 2),
        "ratio_to_product": round(float(mine.mean() / product), 2),
        "ours_sparse_batch_s": round(batch, 2),
    }


def history_of(model: RecommendModel, past: Histories, person: int) -> Sequence[HistoryEntry]:
    part = slice(past.start[person], past.start[person + 1])
    rows = zip(past.items[part].tolist(), past.moments[part].tolist(), past.weights[part].tolist(), strict=True)
    return [(model.item_ids[row], at, weight) for row, at, weight in rows]


def each_timed(work: Callable[[int], object], people: np.ndarray) -> np.ndarray:
    """Seconds for each person."""
    seconds = np.zeros(len(people))
    for place, person in enumerate(people.tolist()):
        begun = time.perf_counter()
        work(person)
        seconds[place] = time.perf_counter() - begun
    return seconds


if __name__ == "__main__":
    main()
