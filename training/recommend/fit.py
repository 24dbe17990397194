"""From columns to a recommender that can be served: validation cut, choices, and a last fit on everything."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from services.recommend.model import RecommendModel
from training.recommend.assembly import TERMS, Weights, assemble, scaled
from training.recommend.columns import InteractionColumns, ItemColumns
from training.recommend.histories import Histories, Ints, alike_when_cut, build_histories, cut_last, index_of
from training.recommend.sources import Content, Sources, SourcesConfig, fit_content, fit_sources
from training.recommend.tuning import Tuned, TuningConfig, tune
from training.recommend.validation import Validated, ValidationConfig, validate

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class RecommendConfig:
    """The configs of every step. `history_length` is how many of a person's latest items are read when scoring."""

    sources: SourcesConfig = field(default_factory=SourcesConfig)
    tuning: TuningConfig = field(default_factory=TuningConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    history_length: int = 64


@dataclass(frozen=True, slots=True)
class FittedRecommender:
    """What services.recommend loads, and what is said of it."""

    model: RecommendModel

    @property
    def metadata(self) -> dict[str, Any]:
        """Sizes, choices, weights, validation NDCG with intervals and baselines, and notes on what was left out."""
        return dict(self.model.metadata)

    def save(self, folder: Path) -> None:
        """The files of the artifact, for `services.kit.artifacts.publish_artifact(root, tenant, KIND, fitted.save, …)`."""
        self.model.save(folder)


def fit(
    interactions: InteractionColumns,
    items: ItemColumns | None = None,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    config: RecommendConfig | None = None,
) -> FittedRecommender:
    """Learn from all interactions; hyperparameters and weights come from a validation cut of them.

    Items with interactions but no catalogue row are kept (without categories); items without interactions can still be found
    by their category and title. Without interactions the model knows the catalogue only. The same input and seed give the
    same model.
    """
    config, said = config or RecommendConfig(), progress or _silent
    said("reading", 0.0)
    catalogue = items or ItemColumns([], [], [])
    rows = index_of([*catalogue.item_ids, *interactions.item_ids])
    people = index_of(interactions.user_ids)
    histories = build_histories(interactions, people, rows)
    content = fit_content(*_described(catalogue, rows), config.sources.text)
    tuned, validated = _chosen(histories, content, config, said, seed)
    sources = fit_sources(histories, content, tuned.sources, lambda stage: said(stage, 0.6))
    said("assembly", 0.95)
    model = assemble(
        sources,
        tuple(rows),
        validated.weights,
        half_life_days=tuned.half_life_days,
        history_length=config.history_length,
        middle=validated.middle,
        spread=validated.spread,
        metadata=_metadata(interactions, catalogue, histories, sources, tuned, validated, config),
    )
    model = scaled(model, histories, _someone(histories, config.validation.scaling_people, seed))
    said("done", 1.0)
    return FittedRecommender(model)


def _chosen(
    histories: Histories, content: Content, config: RecommendConfig, said: Progress, seed: int
) -> tuple[Tuned, Validated]:
    """Parameters and weights, chosen on what is held back of some people's pasts."""
    early, late = _cut(histories, config.validation, seed)
    said("choosing parameters", 0.05)
    tuned = tune(early, late, config.sources, config.tuning, seed=seed)
    past = fit_sources(early, content, tuned.sources, lambda stage: said(f"{stage} (validation)", 0.2))
    said("weights", 0.4)
    validated = validate(
        past,
        early,
        late,
        half_life_days=tuned.half_life_days,
        history_length=config.history_length,
        config=config.validation,
        seed=seed,
    )
    return tuned, validated


def _someone(histories: Histories, people: int, seed: int) -> Ints:
    return np.random.default_rng(seed).permutation(np.flatnonzero(histories.lengths))[:people]


def _cut(histories: Histories, config: ValidationConfig, seed: int) -> tuple[Histories, Histories]:
    wanted = max(100, round(config.held_people * histories.people))
    people = alike_when_cut(histories, config.held_share, wanted, seed=seed)
    return cut_last(histories, config.held_share, people, seed=seed)


def _described(catalogue: ItemColumns, rows: dict[str, int]) -> tuple[list[str], list[list[str]]]:
    """Title and categories of every row; empty where the catalogue has none."""
    titles = [""] * len(rows)
    categories: list[list[str]] = [[] for _ in rows]
    for item_id, title, named in zip(catalogue.item_ids, catalogue.titles, catalogue.categories, strict=True):
        titles[rows[item_id]] = title
        categories[rows[item_id]] = list(named)
    return titles, categories


def _metadata(
    interactions: InteractionColumns,
    catalogue: ItemColumns,
    histories: Histories,
    sources: Sources,
    tuned: Tuned,
    validated: Validated,
    config: RecommendConfig,
) -> dict[str, Any]:
    return {
        "interactions": {"read": len(interactions), "distinct": len(histories.items)},
        "people": int((histories.lengths > 0).sum()),
        "items": {
            "all": histories.n_items,
            "with_interactions": len(np.unique(histories.items)),
            "without_catalogue_row": histories.n_items - len(set(catalogue.item_ids)),
            "ease": sources.ease_items,
        },
        "chosen": {
            "half_life_days": tuned.half_life_days,
            "ease_regularisation": tuned.sources.ease.regularisation,
            "item_knn_shrinkage": tuned.sources.item_knn.shrinkage,
        },
        "tried": tuned.tried,
        "weights": _named(validated.weights, config),
        "validation": validated.report,
        "notes": _notes(histories, sources, config),
    }


def _named(weights: Weights, config: RecommendConfig) -> dict[str, float]:
    trends = [f"trend_{days:g}d" for days in config.sources.popularity.half_lives_days]
    return dict(zip([*(term.name for term in TERMS), "popularity", *trends], weights.vector.tolist(), strict=True))


def _notes(histories: Histories, sources: Sources, config: RecommendConfig) -> list[str]:
    if not len(histories.items):
        return ["no interactions: the model knows the catalogue only; lists come from categories"]
    notes = []
    if histories.lengths.max() < 2:
        notes.append("nobody has two items: the model knows popularity, categories and titles only")
    supported = np.bincount(histories.items, minlength=histories.n_items) >= config.sources.ease_support
    if supported.sum() > config.sources.ease_most_items:
        notes.append(f"EASE was skipped: {supported.sum()} items are more than {config.sources.ease_most_items}")
    return notes


def _silent(stage: str, share: float) -> None:
    """Nobody is watching."""
