"""`kuajie evaluate recommend`: full ranking on a test that follows the train, baselines beside ours, intervals over people."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.recommend.baselines import EASE, ITEM_KNN, KNN_NEIGHBOURS, Scorer, fit_baselines
from training.recommend.batch import BatchScorer, top_items
from training.recommend.columns import InteractionColumns, ItemColumns, read_interactions, read_items
from training.recommend.fit import FittedRecommender, Progress, RecommendConfig, fit
from training.recommend.histories import Histories, Ints, build_histories, index_of
from training.recommend.metrics import Interval, PersonMetrics, hits, interval, person_metrics

Dense = npt.NDArray[np.float32]
_BLOCK = 1_000
PROTOCOL = (
    "full ranking of every item known from catalogue or train; a person's train items are masked; test items without train "
    "interactions and people left without a test item are dropped; binary gains; ideal DCG truncated at k"
)


@dataclass(frozen=True, slots=True)
class MethodResult:
    """Means over people with 95 % bootstrap intervals; `coverage` is the share of items that appear in somebody's list."""

    ndcg: Interval
    recall: Interval
    mrr: Interval
    coverage: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """`methods` by name, ours among them; differences of NDCG@k are paired, ours minus the baseline."""

    k: int
    people: int
    items: int
    test_rows: int
    dropped_test_rows: int
    methods: Mapping[str, MethodResult]
    differences: Mapping[str, Interval]
    fit_seconds: float
    model: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "protocol": PROTOCOL,
            "baselines": {
                "ease": {"lambda": EASE.regularisation, "input": "unweighted"},
                "item_knn": {"shrinkage": ITEM_KNN.shrinkage, "neighbours": KNN_NEIGHBOURS},
            },
            **asdict(self),
        }

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(self.to_json(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def evaluate_files(
    items_path: Path | None, train_path: Path, test_path: Path, k: int = 10, progress: Progress | None = None
) -> Evaluation:
    """As `evaluate`, from CSV files; ValueError or OSError with one line for a file that cannot be used."""
    items = read_items(items_path) if items_path else None
    return evaluate(items, read_interactions(train_path), read_interactions(test_path), k=k, progress=progress)


def evaluate(
    items: ItemColumns | None,
    train: InteractionColumns,
    test: InteractionColumns,
    *,
    k: int = 10,
    seed: int = 0,
    progress: Progress | None = None,
    config: RecommendConfig | None = None,
) -> Evaluation:
    """Fit on train alone, then rank for everybody in test; see PROTOCOL. ValueError where no test row can be judged."""
    said = progress or (lambda stage, share: None)
    begun = time.perf_counter()
    fitted = fit(train, items, seed=seed, progress=lambda stage, share: said(stage, 0.6 * share), config=config)
    seconds = time.perf_counter() - begun
    rows = fitted.model.index
    known = index_of(train.user_ids)
    past = build_histories(train, known, rows)
    asked = build_histories(test, known, rows)
    warm = np.bincount(past.items, minlength=past.n_items) > 0
    judged = asked.kept(warm[asked.items])
    people = np.flatnonzero((judged.lengths > 0) & (past.lengths > 0))
    if not len(people):
        raise ValueError("no person of the test is in the train with an item that the train knows")
    said("baselines", 0.65)
    baselines = fit_baselines(past)
    said("ranking", 0.75)
    lists = {name: _lists(scorer, past, people, k) for name, scorer in baselines.items()}
    lists["ours"] = _our_lists(fitted, past, people, k)
    said("intervals", 0.9)
    result = _evaluation(lists, judged, people, k, seed, fitted, seconds, rows=len(test))
    said("done", 1.0)
    return result


def _our_lists(fitted: FittedRecommender, past: Histories, people: Ints, k: int) -> Ints:
    scorer = BatchScorer(fitted.model, past)
    return np.concatenate([top_items(scorer.blended(block), k) for block in scorer.blocks(people)])


def _lists(scorer: Scorer, past: Histories, people: Ints, k: int) -> Ints:
    return np.concatenate([top_items(_masked(scorer, past, some), k) for some in _blocks(people)])


def _masked(scorer: Scorer, past: Histories, people: Ints) -> Dense:
    scores = scorer(people)
    own = past.of(people)
    scores[own.owners, own.items] = -np.inf
    return scores


def _blocks(people: Ints) -> Iterator[Ints]:
    for begin in range(0, len(people), _BLOCK):
        yield people[begin : begin + _BLOCK]


def _evaluation(
    lists: Mapping[str, Ints],
    judged: Histories,
    people: Ints,
    k: int,
    seed: int,
    fitted: FittedRecommender,
    seconds: float,
    *,
    rows: int,
) -> Evaluation:
    relevant = judged.lengths[people]
    metrics = {name: person_metrics(hits(found, judged, people), relevant, k) for name, found in lists.items()}
    ours = metrics["ours"].ndcg
    return Evaluation(
        k=k,
        people=len(people),
        items=judged.n_items,
        test_rows=rows,
        dropped_test_rows=rows - int(relevant.sum()),
        methods={name: _result(metrics[name], lists[name], judged.n_items, seed) for name in lists},
        differences={n: interval(ours - m.ndcg, seed=seed) for n, m in metrics.items() if n != "ours"},
        fit_seconds=round(seconds, 3),
        model=fitted.metadata,
    )


def _result(metrics: PersonMetrics, lists: Ints, items: int, seed: int) -> MethodResult:
    return MethodResult(
        ndcg=interval(metrics.ndcg, seed=seed),
        recall=interval(metrics.recall, seed=seed),
        mrr=interval(metrics.reciprocal_rank, seed=seed),
        coverage=len(np.unique(lists)) / max(items, 1),
    )
