"""People and courses for the recommender's benchmarks: real ones where they are at hand, else invented ones of that shape."""

import os
from pathlib import Path

import numpy as np

from training.recommend import InteractionColumns, ItemColumns, read_interactions, read_items

DATA = Path(os.environ.get("KUAJIE_TEST_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
PEOPLE, ITEMS, INTERACTIONS, CATEGORIES = 24_036, 8_196, 92_403, 147
_DAY_S = 86_400.0


def courses() -> tuple[str, InteractionColumns, ItemColumns]:
    """Where the data is from, the interactions, the catalogue."""
    folder = DATA / "coco"
    if (folder / "train.csv").exists():
        return "coco", read_interactions(folder / "train.csv"), read_items(folder / "items.csv")
    return "synthetic", *invented()


def invented(seed: int = 0) -> tuple[InteractionColumns, ItemColumns]:
    """Each person keeps to two categories; items and categories fall off as 1 / rank; three or more items each."""
    rng = np.random.default_rng(seed)
    category = rng.permutation(np.arange(ITEMS) % CATEGORIES)
    lengths = 3 + rng.multinomial(INTERACTIONS - 3 * PEOPLE, rng.dirichlet(np.full(PEOPLE, 0.3)))
    person = np.repeat(np.arange(PEOPLE), lengths)
    liked = rng.choice(CATEGORIES, size=(PEOPLE, 2), p=_falling(CATEGORIES))[person, rng.integers(2, size=len(person))]
    members = [np.flatnonzero(category == number) for number in range(CATEGORIES)]
    size = np.array([len(found) for found in members])[liked]
    place = np.minimum(np.floor(size ** rng.random(len(person))).astype(int) - 1, size - 1)
    item = np.array([members[number][at] for number, at in zip(liked, place, strict=True)])
    moments = rng.integers(0, 700, PEOPLE)[person] * _DAY_S + rng.random(len(person)) * 90 * _DAY_S
    names = [f"i{number}" for number in range(ITEMS)]
    titles = [f"Course {number} of subject{category[number]}" for number in range(ITEMS)]
    columns = InteractionColumns([f"u{n}" for n in person], [names[n] for n in item], moments.tolist())
    return columns, ItemColumns(names, titles, [[f"c{number}"] for number in category])


def _falling(size: int) -> np.ndarray:
    weights = 1 / np.arange(1, size + 1)
    return weights / weights.sum()
