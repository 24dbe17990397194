"""The scorer: nearest centroid on log scales, traits from thresholds, quickly."""

import math
import time
from collections.abc import Callable

import pytest

from services.profile.features import Features
from services.profile.segments import LikesModel, Scorer, SegmentsModel


def features(**changes):
    blank = {
        "recency_days": 10.0, "tenure_days": 100.0, "events": 5, "events_30d": 2.0, "purchases": 3, "refunds": 0,
        "spend": 50.0, "spend_total": 60.0, "completion": 0.5, "refund_rate": 0.0, "price_sensitivity": None,
        "night_share": 0.1, "peak_hour": 20, "interests": {"finance": 0.6, "tech": 0.4}, "domain_events": {"finance": 1, "tech": 4},
    }  # fmt: skip
    return Features(**{**blank, **changes})


MODEL = SegmentsModel(
    columns=["recency_days", "events"],
    mean=[math.log1p(10), math.log1p(5)],
    scale=[2.0, 1.0],
    centroids=[[-1.0, 1.0], [0.0, 0.0], [1.0, -1.0]],
    labels=["active", "semi-active", "inactive"],
    thresholds={"is_high_spender": 50.0, "is_price_sensitive": 0.1, "is_night_owl": None},
    likes={"finance": LikesModel(share=0.5, minimum_events=2), "tech": LikesModel(share=0.4, minimum_events=2)},
    lag_s=0.0,
)


@pytest.mark.parametrize(
    ("changes", "segment"),
    [
        ({}, "semi-active"),
        ({"recency_days": 0.0, "events": 30}, "active"),
        ({"recency_days": 300.0, "events": 1}, "inactive"),
    ],
)
def test_the_nearest_centroid_names_the_segment(changes, segment):
    assert Scorer(MODEL).score(features(**changes)).segment == segment


def test_of_two_equally_near_the_more_active_one_is_taken():
    model = MODEL.model_copy(update={"centroids": [[-1.0, 0.0], [1.0, 0.0], [9.0, 9.0]]})
    assert Scorer(model).score(features()).segment == "active"


def test_a_trait_holds_from_its_threshold_on_and_never_for_the_unknown():
    assert Scorer(MODEL).score(features()).traits == {
        "is_high_spender": True,
        "is_price_sensitive": False,
        "is_night_owl": False,
        "likes_finance": False,  # one event is too few
        "likes_tech": True,
    }
    assert Scorer(MODEL).score(features(spend=49.99)).traits["is_high_spender"] is False


def test_a_model_without_segments_gives_none_and_still_traits():
    scored = Scorer(MODEL.model_copy(update={"centroids": [], "labels": []})).score(features())
    assert (scored.segment, scored.traits["likes_tech"]) == (None, True)


def test_scoring_reads_the_clock_of_the_fit():
    lagging = Scorer(MODEL.model_copy(update={"lag_s": 300 * 86400.0}))
    assert Scorer(MODEL).score(features(recency_days=300.0, events=30)).segment == "semi-active"
    assert lagging.score(features(recency_days=300.0, events=30)).segment == "active"


def test_scoring_takes_less_than_fifty_microseconds():
    likes = {f"domain-{n}": LikesModel(share=0.5, minimum_events=2) for n in range(30)}
    columns = ["recency_days", "events", "events_30d", "purchases", "spend"]
    wide = SegmentsModel(
        columns=columns,
        mean=[0.0] * 5,
        scale=[1.0] * 5,
        centroids=[[0.0] * 5, [1.0] * 5, [2.0] * 5],
        labels=["active", "semi-active", "inactive"],
        thresholds=MODEL.thresholds,
        likes=likes,
        lag_s=60.0,
    )
    scorer, person = Scorer(wide), features()
    best_s, yardstick_s = math.inf, math.inf
    for _ in range(20):
        best_s = min(best_s, seconds(lambda: scorer.score(person)))
        yardstick_s = min(yardstick_s, seconds(lambda: sum(map(math.sqrt, range(200)))))
    assert best_s < 50e-6 * max(1.0, yardstick_s / YARDSTICK_S)


YARDSTICK_S = 10e-6
"""What two hundred roots may take; a machine that needs longer for them may take longer for a score by as much."""


def seconds(work: Callable[[], object]) -> float:
    """Of one run, on average over a hundred."""
    started = time.perf_counter()
    for _ in range(100):
        work()
    return (time.perf_counter() - started) / 100
