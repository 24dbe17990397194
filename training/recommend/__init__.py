"""Makes the recommender that services.recommend serves. Explained in docs/recommend.md."""

from training.recommend.columns import InteractionColumns, ItemColumns, read_interactions, read_items
from training.recommend.evaluate import Evaluation, evaluate, evaluate_files
from training.recommend.fit import FittedRecommender, RecommendConfig, fit

__all__ = [
    "Evaluation",
    "FittedRecommender",
    "InteractionColumns",
    "ItemColumns",
    "RecommendConfig",
    "evaluate",
    "evaluate_files",
    "fit",
    "read_interactions",
    "read_items",
]
