"""What the blend learns from a validation cut, and how good it was on people whom it did not learn from."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from services.recommend.model import RecommendModel
from training.recommend.assembly import TERMS, Weights, assemble, candidates, reweighted, scaled
from training.recommend.batch import BatchScorer, Block, top_items
from training.recommend.blending import BlendingConfig, fit_blend
from training.recommend.histories import Histories, Ints
from training.recommend.metrics import Interval, hits, interval, person_metrics
from training.recommend.sources import Sources

BASELINES = ("popularity", "item_knn", "ease")
_QUARTILES_OF_LOGISTIC = 2.197
"""The quartile range of the standard logistic distribution, 2 ln 3."""


@dataclass(frozen=True, slots=True)
class ValidationConfig:
    """Of how many people how much is held back, and how many of them fit, measure, and set the scales."""

    held_people: float = 0.3
    held_share: float = 0.4
    fitting_people: int = 4_000
    measuring_people: int = 3_000
    scaling_people: int = 1_000
    fewest_people: int = 20
    depth: int = 60
    k: int = 10
    blending: BlendingConfig = field(default_factory=BlendingConfig)


@dataclass(frozen=True, slots=True)
class Validated:
    """Weights, the calibration of the shown score, and NDCG@k beside the baselines on the measuring people."""

    weights: Weights
    middle: float
    spread: float
    report: dict[str, Any]


def validate(
    sources: Sources,
    early: Histories,
    late: Histories,
    *,
    half_life_days: float,
    history_length: int,
    config: ValidationConfig,
    seed: int,
) -> Validated:
    """`sources` were learned from `early`; `late` is what the same people took next.

    With fewer than `fewest_people` the default weights stay, and the report says so.
    """
    warm = late.kept(np.bincount(early.items, minlength=early.n_items)[late.items] > 0)
    able = np.flatnonzero((early.lengths > 0) & (warm.lengths > 0))
    people = np.random.default_rng(seed).permutation(able)
    names = [str(row) for row in range(early.n_items)]
    model = assemble(sources, names, Weights(), half_life_days=half_life_days, history_length=history_length)
    model = scaled(model, early, people[: config.scaling_people])
    if len(people) < config.fewest_people:
        return Validated(Weights(), 0.0, 1.0, {"people": len(people), "note": "too_few_people_default_weights"})
    fitting = people[: min(config.fitting_people, len(people) // 2)]
    found = candidates(model, sources, early, warm, np.sort(fitting), depth=config.depth)
    free = np.arange(len(Weights().vector)) >= len(TERMS)
    weights = Weights.of(fit_blend(found, Weights().vector, ~free, config.blending))
    fitted = reweighted(model, sources, weights)
    measuring = np.sort(people[len(fitting) : len(fitting) + config.measuring_people])
    return _measured(fitted, weights, early, warm, measuring, config, seed)


def _measured(
    model: RecommendModel,
    weights: Weights,
    early: Histories,
    late: Histories,
    people: Ints,
    config: ValidationConfig,
    seed: int,
) -> Validated:
    scorer = BatchScorer(model, early)
    ever = np.bincount(early.items, minlength=early.n_items).astype(np.float32)
    ndcg: dict[str, list[npt.NDArray[np.float64]]] = {name: [] for name in ("ours", *BASELINES)}
    listed: list[npt.NDArray[np.float32]] = []
    for block in scorer.blocks(people):
        ours = scorer.blended(block)
        everyone = {"ours": ours, "popularity": _without_own(np.tile(ever, (len(block.people), 1)), block)}
        everyone |= {"item_knn": _without_own(block.raw["knn"], block), "ease": _without_own(block.raw["ease"], block)}
        for name, scores in everyone.items():
            lists = top_items(scores, config.k)
            hit = hits(lists, late, block.people)
            ndcg[name].append(person_metrics(hit, late.lengths[block.people], config.k).ndcg)
            if name == "ours":
                listed.append(np.take_along_axis(ours, lists, axis=1).ravel())
    shown = np.concatenate(listed)
    low, middle, high = np.quantile(shown[np.isfinite(shown)], [0.25, 0.5, 0.75])
    values = {name: np.concatenate(parts) for name, parts in ndcg.items()}
    report = {"people": len(people), f"ndcg@{config.k}": {n: asdict(interval(v, seed=seed)) for n, v in values.items()}}
    gain: Interval = interval(values["ours"] - values["ease"], seed=seed)
    report["ours_minus_ease"] = asdict(gain)
    spread = max(float(high - low) / _QUARTILES_OF_LOGISTIC, 1e-6)
    return Validated(weights, float(middle), spread, report)


def _without_own(scores: npt.NDArray[np.float32], block: Block) -> npt.NDArray[np.float32]:
    scores[block.own] = -np.inf
    return scores
