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
from itertools import pairwise
from pathlib import Path

import numpy as np

from services.intent.monitor.minhash import NEAR, WORTH_A_LOOK, bands, jaccard, shingles, signature, similarity

ROWS = Path(__file__).resolve().parent.parent / "training" / "intent" / "data" / "opinion_train.csv"
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=20_000)
    wanted = parser.parse_args().pairs
    rng = random.Random(7)
    with ROWS.open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file) if shingles(row["text"]) is not None]
    # Two texts in one, so that most are as long as a post.
    texts = [f"{one} {other}" for one, other in pairwise(texts)]
    truth, found, estimated, seconds = [], [], [], 0.0
    while len(truth) < wanted:
        one = rng.choice(texts)
        other = edited(one, texts, rng)
        exact = jaccard(*(s for s in (shingles(one), shingles(other)) if s is not None))
        begun = time.perf_counter()
        left, right = signature(one), signature(other)
        seconds += time.perf_counter() - begun
        if left is None or right is None:
            continue
        met = bool(set(bands(left)) & set(bands(right)))
        estimate = float(similarity(left, right[np.newaxis])[0])
        truth.append(exact)
        estimated.append(met and estimate >= NEAR)
        found.append(met and estimate >= WORTH_A_LOOK and exact >= NEAR)
    exact_similarity, said = np.array(truth), np.array(found)
    same, by_estimate = exact_similarity >= NEAR, np.array(estimated)
    by_band = {
        f"{low:.2f}-{min(high, 1.0):.2f}": {
            "pairs": int(inside.sum()),
            "found": round(float(said[inside].mean()), 4) if inside.any() else None,
        }
        for low, high in pairwise(EDGES)
        for inside in [(exact_similarity >= low) & (exact_similarity < high)]
    }
    print(
        json.dumps(
            {
                "bench": "near_duplicates",
                "threshold": NEAR,
                "pairs": len(truth),
                "recall": round(float(said[same].mean()), 4),
                "precision": round(float(same[said].mean()), 4),
                "by_estimate_alone": {
                    "recall": round(float(by_estimate[same].mean()), 4),
                    "precision": round(float(same[by_estimate].mean()), 4),
                },
                "found_by_similarity": by_band,
                "signature_microseconds": round(seconds / (2 * len(truth)) * 1e6, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
