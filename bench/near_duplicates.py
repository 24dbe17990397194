"""Near-duplicates: how many pairs that are one are found, and how many of those found are one.

    python -m bench.near_duplicates [--pairs 20000]

Rows of training/intent/data/opinion_train.csv of the same language, each beside itself after random edits; exact Jaccard
similarity of shingles is the truth, to which candidates are held as the service does. Prints one JSON line: recall and precision
at the threshold, the same without that last check, and what is found in bands of similarity.
"""

import argparse
import csv
import json
import random
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.intent.monitor.minhash import NEAR, WORTH_A_LOOK, bands, jaccard, shingles, signature, similarity

ROWS = Path(__file__).resolve().parent.parent / "training" / "intent" / "data" / "opinion_train.csv"
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
EDGES = (0.0, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9, 1.01)


def edited(text: str, others: list[str], rng: random.Random) -> str:
    """`text` with up to six edits: pieces dropped, repeated, or taken from another text."""
    english = text.isascii()
    units = text.split() if english else list(text)
    for _ in range(rng.randrange(1, 7)):
        at = rng.randrange(len(units))
        kind = rng.randrange(3)
        if kind == 0 and len(units) > 3:
            del units[at]
        elif kind == 1:
            units.insert(at, units[rng.randrange(len(units))])
        else:
            stranger = rng.choice(others)
            units[at] = rng.choice(stranger.split() if english else list(stranger))
    return (" " if english else "").join(units)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts as they are, and as they were found: as candidates held to their exact similarity, and by the estimate alone."""

    exact: float
    found: bool
    estimated: bool
    seconds: float  # for both signatures


def judged(one: str, other: str) -> Pair | None:
    """None when a text is too short to have a signature."""
    exact = jaccard(*(s for s in (shingles(one), shingles(other)) if s is not None))
    begun = time.perf_counter()
    left, right = signature(one), signature(other)
    seconds = time.perf_counter() - begun
    if left is None or right is None:
        return None
    met = bool(set(bands(left)) & set(bands(right)))
    estimate = float(similarity(left, right[np.newaxis])[0])
    return Pair(exact, met and estimate >= WORTH_A_LOOK and exact >= NEAR, met and estimate >= NEAR, seconds)


def pairs(wanted: int) -> list[Pair]:
    rng = random.Random(7)
    with ROWS.open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file) if shingles(row["text"]) is not None]
    # Two texts in one, so that most are as long as a post.
    texts = [f"{one} {other}" for one, other in pairwise(texts)]
    made: list[Pair] = []
    while len(made) < wanted:
        one = rng.choice(texts)
        if pair := judged(one, edited(one, texts, rng)):
            made.append(pair)
    return made


def recall_and_precision(same: Bools, found: Bools) -> dict[str, float]:
    return {"recall": round(float(found[same].mean()), 4), "precision": round(float(same[found].mean()), 4)}


def by_similarity(exact: Floats, found: Bools) -> dict[str, dict[str, float | None]]:
    """How many pairs there are in each band, and the share of them that was found."""
    bands_of = {f"{low:.2f}-{min(high, 1.0):.2f}": (exact >= low) & (exact < high) for low, high in pairwise(EDGES)}
    return {
        name: {"pairs": int(inside.sum()), "found": round(float(found[inside].mean()), 4) if inside.any() else None}
        for name, inside in bands_of.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=20_000)
    made = pairs(parser.parse_args().pairs)
    exact, found = np.array([pair.exact for pair in made]), np.array([pair.found for pair in made])
    same = exact >= NEAR
    document = {
        "bench": "near_duplicates",
        "threshold": NEAR,
        "pairs": len(made),
        **recall_and_precision(same, found),
        "by_estimate_alone": recall_and_precision(same, np.array([pair.estimated for pair in made])),
        "found_by_similarity": by_similarity(exact, found),
        "signature_microseconds": round(sum(pair.seconds for pair in made) / (2 * len(made)) * 1e6, 1),
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
