"""Charts, gates, baselines: what an alarm takes, and what makes none."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from services.intent.monitor.baseline import History, fit
from services.intent.monitor.counts import Counts, wilson
from services.intent.monitor.detectors import Chart, Charts, DetectorConfig, Hour
from services.intent.monitor.hours import WEEK, hour_of_week, steps
from services.intent.monitor.residuals import count_residuals, share_residuals
from services.intent.monitor.surges import Timeline, Watch

CONFIG = DetectorConfig()
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
WEEKS = 9


def test_wilson_bounds_are_the_published_ones() -> None:
    assert wilson(3, 3) == (pytest.approx(0.4385, abs=1e-4), 1.0)
    assert wilson(10, 100) == (pytest.approx(0.0552, abs=1e-4), pytest.approx(0.1744, abs=1e-4))
    assert wilson(0, 0) == (0.0, 1.0)


def test_counts_add_up() -> None:
    assert Counts(1, 1, 2, 1, 3.5) + Counts(1, 0, 1, 1, 0.5) == Counts(2, 1, 3, 2, 4.0)


@pytest.mark.parametrize(("mean", "dispersion"), [(4.0, 0.01), (50.0, 0.01), (50.0, 0.1), (1000.0, 0.05)])
def test_count_residuals_scatter_about_0_with_variance_1(mean: float, dispersion: float) -> None:
    rng = np.random.default_rng(0)
    counts = rng.poisson(mean * rng.gamma(1 / dispersion, dispersion, 50_000))
    found = count_residuals(counts, np.full(50_000, mean), dispersion)
    assert float(found.mean()) == pytest.approx(0, abs=0.2)
    assert float(found.std()) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(("trials", "share", "correlation"), [(10, 0.3, 0.0), (100, 0.25, 0.01), (1000, 0.8, 0.002)])
def test_share_residuals_scatter_about_0_with_variance_1(trials: int, share: float, correlation: float) -> None:
    rng = np.random.default_rng(0)
    weight = 1 / correlation - 1 if correlation else 1e9
    shares = rng.beta(share * weight, (1 - share) * weight, 50_000)
    hits = rng.binomial(trials, shares)
    found = share_residuals(hits, np.full(50_000, trials), np.full(50_000, share), correlation)
    assert float(found.mean()) == pytest.approx(0, abs=0.1)
    assert float(found.std()) == pytest.approx(1, abs=0.1)


def test_an_ewma_and_a_cusum_follow_their_formulas() -> None:
    chart = Chart().step(3.0, CONFIG).step(2.0, CONFIG)
    assert chart.ewma == 0.5 * 2.0 + 0.5 * (0.5 * 3.0)
    assert (chart.cusum, chart.hours) == (3.0 - 1.0 + 2.0 - 1.0, 2)
    assert Chart(cusum=0.5, hours=4).step(0.2, CONFIG) == Chart(ewma=0.1, cusum=0.0, hours=0, seen=1)


def test_one_hour_counts_for_no_more_than_six() -> None:
    assert Chart().step(100.0, CONFIG).cusum == 5.0


def charts(*hours: Hour) -> Charts:
    found = Charts(CONFIG)
    for hour in hours:
        found = found.step(hour)
    return found


def hour(documents: int, negatives: int, *, expected: float = 5.0, share: float = 0.25, z: float = 6.0) -> Hour:
    return Hour(documents, negatives, expected, 3.0, share, z, z)


def test_a_surge_of_the_negative_alone_is_an_alarm() -> None:
    assert set(charts(hour(35, 20)).alarm()) == {"count_ewma", "share_ewma"}


@pytest.mark.parametrize(
    "quiet",
    [
        hour(11, 11, expected=1.0),  # too few, however bad
        hour(30, 15, expected=12.0),  # hardly more than expected
        hour(200, 60, share=0.25),  # many more of almost the usual kind
        hour(35, 20, z=2.0),  # no chart is over its limit
    ],
)
def test_what_makes_no_alarm(quiet: Hour) -> None:
    assert charts(quiet).alarm() == []


def test_two_hours_may_show_together_what_each_is_too_small_for() -> None:
    assert charts(hour(10, 8)).alarm() == []
    assert charts(hour(10, 8), hour(10, 8)).alarm() != []


def flat(negatives: int = 5, documents: int = 20) -> tuple[np.ndarray, np.ndarray]:
    hours = WEEKS * WEEK
    return np.full(hours, documents, dtype=np.int64), np.full(hours, negatives, dtype=np.int64)


def weekly(hours: int) -> np.ndarray:
    return np.arange(hours, dtype=np.int64) % WEEK


def test_a_baseline_knows_the_hours_of_the_week() -> None:
    rng = np.random.default_rng(0)
    profile = 20 + 15 * np.sin(np.arange(WEEK) / 24 * 2 * np.pi)
    negatives = rng.poisson(np.tile(profile, 8))
    found = fit(History(negatives * 4, negatives, weekly(8 * WEEK), np.ones(8 * WEEK, dtype=np.bool_)))
    assert np.abs(found.expected - profile).mean() < 1.2
    assert found.share == pytest.approx(np.full(WEEK, 0.25), abs=0.001)
    assert found.dispersion < 0.02


def test_a_trend_is_followed() -> None:
    rng = np.random.default_rng(0)
    negatives = rng.poisson(np.linspace(20, 40, 8 * WEEK))
    found = fit(History(negatives * 4, negatives, weekly(8 * WEEK), np.ones(8 * WEEK, dtype=np.bool_)))
    assert float(found.expected.mean()) == pytest.approx(36.4, abs=1)
    assert found.dispersion < 0.02


def test_hours_of_past_surges_do_not_make_the_next_one_normal() -> None:
    documents, negatives = flat()
    kept = np.ones(len(negatives), dtype=np.bool_)
    for week in range(8):
        negatives[week * WEEK + 12], documents[week * WEEK + 12] = 60, 75
        kept[week * WEEK + 12] = week < 0
    found = fit(History(documents, negatives, weekly(len(negatives)), kept))
    assert float(found.expected[12]) == pytest.approx(5, abs=0.5)
    assert float(found.share[12]) == pytest.approx(0.25, abs=0.02)


def test_one_outlier_is_clipped() -> None:
    documents, negatives = flat()
    negatives[100], documents[100] = 5_000, 5_000
    found = fit(History(documents, negatives, weekly(len(negatives)), np.ones(len(negatives), dtype=np.bool_)))
    assert float(found.expected.max()) < 7


def watch(documents: np.ndarray, negatives: np.ndarray) -> Watch:
    timeline = Timeline.of(MONDAY, documents, negatives, ZoneInfo("UTC"))
    found = Watch(timeline, CONFIG, np.zeros(len(documents), dtype=np.bool_), 8 * WEEK)
    found.walk(len(documents))
    return found


def test_a_surge_has_a_begin_an_end_and_a_calm_after_it() -> None:
    documents, negatives = flat()
    begin = 8 * WEEK + 40
    documents[begin : begin + 5], negatives[begin : begin + 5] = 60, 45
    [surge] = watch(documents, negatives).surges
    assert (surge.began, surge.found, surge.over) == (begin, begin, True)
    assert begin + 4 <= surge.last <= begin + 7


def test_a_surge_that_lasts_is_one_and_is_left_out_of_the_baseline() -> None:
    documents, negatives = flat()
    begin = 8 * WEEK + 10
    documents[begin:], negatives[begin:] = 60, 45
    found = watch(documents, negatives)
    assert found.surges == []
    assert found.surge is not None
    assert (found.surge.began, found.surge.last) == (begin, len(documents) - 1)
    assert {round(each.hour.expected) for each in found.judged} == {5}


def test_what_lasts_for_more_than_a_week_becomes_normal() -> None:
    documents, negatives = (np.tile(each, 2) for each in flat())
    begin = 8 * WEEK + 10
    documents[begin:], negatives[begin:] = 60, 45
    found = watch(documents, negatives)
    assert [each.over for each in found.surges] == [True]
    assert found.surge is None


def test_a_look_into_the_running_hour_is_held_against_the_whole_hour() -> None:
    documents, negatives = flat()
    found = watch(documents[:-1], negatives[:-1])
    timeline = Timeline.of(MONDAY, documents, negatives, ZoneInfo("UTC"))
    ahead = Watch(timeline, CONFIG, np.zeros(len(documents), dtype=np.bool_), 8 * WEEK)
    ahead.walk(len(documents) - 1)
    assert ahead.glance(60, 45) != []
    assert ahead.glance(15, 7) == []
    assert found.surge is None


def test_hours_of_the_week_are_those_of_the_zone() -> None:
    shanghai = ZoneInfo("Asia/Shanghai")
    assert hour_of_week(MONDAY, shanghai) == 8
    assert hour_of_week(datetime(2026, 1, 4, 16, tzinfo=UTC), shanghai) == 0


def test_days_are_days_when_clocks_change() -> None:
    london = ZoneInfo("Europe/London")
    since, until = datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 3, 30, 12, tzinfo=UTC)
    lengths = [(end - begin).total_seconds() / 3600 for begin, end in steps(since, until, "1d", london)]
    assert lengths == [24.0, 23.0, 24.0]
