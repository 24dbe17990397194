"""A small platform with known structure: two circles of items that the same people take, and a shop window of titles."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from services.kit.artifacts import load_current, publish_artifact
from services.recommend.model import KIND, RecommendModel
from training.recommend import FittedRecommender, InteractionColumns, ItemColumns, fit

DAY = 86_400.0


def small_platform(people: int = 300, seed: int = 3) -> tuple[InteractionColumns, ItemColumns]:
    """Even people take finance items, odd ones design items, one a day, and after item 2n always item 2n + 1.

    Low numbers are more popular.
    """
    rng = np.random.default_rng(seed)
    users, items, moments = [], [], []
    for person in range(people):
        circle = "fin" if person % 2 == 0 else "des"
        pairs = rng.choice(10, size=3, replace=False, p=_falling(10))
        taken = [number for pair in pairs for number in (2 * pair, 2 * pair + 1)]
        for step, number in enumerate(taken):
            users.append(f"u{person}")
            items.append(f"{circle}{number}")
            moments.append((person + step) * DAY)
    names = [f"{circle}{number}" for circle in ("fin", "des") for number in range(20)]
    titles = [f"Bonds and shares {name}" if name.startswith("fin") else f"Colour and type {name}" for name in names]
    categories = [["finance"] if name.startswith("fin") else ["design"] for name in names]
    return InteractionColumns(users, items, moments), ItemColumns(names, titles, categories)


def _falling(size: int) -> np.ndarray:
    weights = 1 / np.arange(1, size + 1)
    return weights / weights.sum()


@pytest.fixture(scope="session")
def platform() -> tuple[InteractionColumns, ItemColumns]:
    return small_platform()


@pytest.fixture(scope="session")
def fitted(platform: tuple[InteractionColumns, ItemColumns]) -> FittedRecommender:
    interactions, items = platform
    return fit(interactions, items, seed=1)


@pytest.fixture(scope="session")
def published(fitted: FittedRecommender, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("artifacts")
    publish_artifact(root, "default", KIND, fitted.save, fitted.metadata)
    return root


@pytest.fixture(scope="session")
def model(published: Path) -> RecommendModel:
    """What serves: read back from the published folder."""
    found = load_current(published, "default", KIND)
    assert found is not None
    return RecommendModel.load(*found)


@pytest.fixture
def pasts(platform: tuple[InteractionColumns, ItemColumns]) -> Mapping[str, list[tuple[str, float, float]]]:
    """Everybody's history as the service would give it."""
    interactions, _ = platform
    found: dict[str, list[tuple[str, float, float]]] = {}
    rows = zip(interactions.user_ids, interactions.item_ids, interactions.timestamps, strict=True)
    for user, item, at in rows:
        found.setdefault(user, []).append((item, at, 1.0))
    return found
