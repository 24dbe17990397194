"""How long a whole fit takes, validation included, against one EASE fit on the same data in the same run.

    python -m bench.recommend_fit

Prints one JSON line. Budget: four times one EASE fit. Two EASE fits are timed before and after: our own in-place Cholesky,
which is the stricter yardstick, and the usual `numpy.linalg.inv`.
"""

import json
import resource
import time
from collections.abc import Callable

import numpy as np

from bench.rig.courses import courses
from training.recommend import fit
from training.recommend.baselines import EASE
from training.recommend.ease import fit_ease
from training.recommend.histories import build_histories, index_of

BUDGET = 4.0


def main() -> None:
    source, interactions, items = courses()
    rows = index_of(interactions.item_ids)
    past = build_histories(interactions, index_of(interactions.user_ids), rows)
    seen = past.matrix(np.ones(len(past.items)))

    def textbook() -> None:
        gram = (seen.T @ seen).toarray() + np.float32(EASE.regularisation) * np.eye(len(rows), dtype=np.float32)
        inverse = np.linalg.inv(gram)
        weights = inverse / -np.diag(inverse)
        weights[np.diag_indices_from(weights)] = 0

    before = timed(lambda: fit_ease(seen, EASE))
    whole = timed(lambda: fit(interactions, items))
    ease = (before + timed(lambda: fit_ease(seen, EASE))) / 2
    plain = timed(textbook)
    result = {
        "benchmark": "recommend_fit",
        "data": source,
        "people": past.people,
        "items": len(rows),
        "fit_s": round(whole, 2),
        "ease_s": round(ease, 2),
        "ease_textbook_s": round(plain, 2),
        "ratio": round(whole / ease, 2),
        "ratio_textbook": round(whole / plain, 2),
        "budget_ratio": BUDGET,
        "within_budget": whole <= BUDGET * ease,
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    print(json.dumps(result))


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
