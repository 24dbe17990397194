"""Charts, gates, baselines: what an alarm takes, and what makes none."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from services.intent.monitor.baseline import History, fit
from services.intent.monitor.counts import Counts, wilson
from services.intent.monitor.detectors import Charts, DetectorConfig, Hour
from services.intent.monitor.evidence import Normal, log_likelihood_ratio, residual
from services.intent.monitor.gaps import gaps
from services.intent.monitor.hours import WEEK, hour_of_week, part_passed, steps
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


def hours_of(normal: Normal, size: float, number: int = 100_000) -> tuple[np.ndarray, np.ndarray]:
    """Negatives and others of many hours as the model says; negatives `size` times as many as is normal."""
    rng = np.random.default_rng(0)
    shared = rng.gamma(1 / normal.bursts, normal.bursts, number)
    own = rng.lognormal(-np.log1p(normal.moods) / 2, np.sqrt(np.log1p(normal.moods)), number)
    return rng.poisson(normal.negatives * size * shared * own), rng.poisson(normal.others * shared)


@pytest.mark.parametrize(
    ("negatives", "others", "bursts", "moods"),
    [(4.0, 12.0, 0.05, 0.01), (50.0, 150.0, 0.1, 0.02), (50.0, 10.0, 0.05, 0.05), (1000.0, 3000.0, 0.05, 0.01)],
)
def test_residuals_scatter_about_0_with_variance_1(
    negatives: float, others: float, bursts: float, moods: float
) -> None:
    normal = Normal(negatives, others, bursts, moods)
    found = residual(normal, *hours_of(normal, 1.0))
    assert float(found.mean()) == pytest.approx(0, abs=0.15)
    assert float(found.std()) == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize(("negatives", "others"), [(1.0, 3.0), (3.0, 1.0)])
def test_a_likelihood_ratio_is_one_on_average_where_nothing_surges(negatives: float, others: float) -> None:
    normal = Normal(negatives, others, 0.1, 0.02)
    calm, surge = hours_of(normal, 1.0), hours_of(normal, 2.5)
    assert float(np.exp(log_likelihood_ratio(normal, *calm, 2.5)).mean()) == pytest.approx(1, abs=0.02)
    assert float(np.exp(-log_likelihood_ratio(normal, *surge, 2.5)).mean()) == pytest.approx(1, abs=0.02)


def test_a_likelihood_ratio_of_poisson_counts_is_the_textbook_one() -> None:
    normal = Normal(5.0, 15.0, 1e-6, 1e-9)
    found = log_likelihood_ratio(normal, np.array([0, 5, 20]), np.array([15, 15, 15]), 3.0)
    assert found == pytest.approx(np.array([0, 5, 20]) * np.log(3) - 2 * 5.0, abs=1e-3)
    part = log_likelihood_ratio(normal, np.array(20), np.array(15), 3.0, lasts=0.5, surged=np.array(14))
    assert float(part) == pytest.approx(14 * np.log(3) - 5.0, abs=1e-3)


def by_a_dense_grid(normal: Normal, negatives: int, others: int, size: float) -> float:
    """The same ratio, the negatives' own factor summed up in 40,000 steps."""
    k, spread = 1 / normal.bursts, np.log1p(normal.moods)
    log_own = np.linspace(-6, 6, 40_000)
    prior = -((log_own + spread / 2) ** 2) / (2 * spread)

    def log_likelihood(grown: float) -> float:
        rate = k + normal.others + grown * normal.negatives * np.exp(log_own)
        return float(np.logaddexp.reduce(prior + negatives * log_own - (k + negatives + others) * np.log(rate)))

    return negatives * float(np.log(size)) + log_likelihood(size) - log_likelihood(1.0)


@pytest.mark.parametrize("expected", [25.0, 400.0, 1000.0])
@pytest.mark.parametrize("moods", [0.01, 0.1, 0.3])
def test_a_likelihood_ratio_is_that_of_a_dense_grid_and_rises_with_the_count(expected: float, moods: float) -> None:
    normal = Normal(expected, 3 * expected, 0.05, moods)
    counts = np.round(expected * np.array([0.0, 0.5, 1.0, 1.3, 2.0, 4.0, 10.0])).astype(np.int64)
    others = round(3 * expected)
    found = log_likelihood_ratio(normal, counts, np.full(len(counts), others), 2.5)
    assert found == pytest.approx([by_a_dense_grid(normal, int(each), others, 2.5) for each in counts], abs=0.01)
    assert (np.diff(found) > 0).all()


def test_attention_that_all_documents_get_is_no_evidence() -> None:
    normal = Normal(50.0, 150.0, 0.1, 0.01)
    assert float(log_likelihood_ratio(normal, np.array(100), np.array(300), 2.5)) < -3
    assert float(log_likelihood_ratio(normal, np.array(100), np.array(150), 2.5)) > 3
    assert abs(float(residual(normal, np.array(100), np.array(300)))) < 1


def test_an_ewma_and_a_cusum_follow_their_formulas() -> None:
    found = charts(hour(20, 5, z=3.0, log_ratio=2.0), hour(20, 5, z=2.0, log_ratio=-0.5))
    assert found.ewma == 0.5 * 2.0 + 0.5 * (0.5 * 3.0)
    assert (found.cusum, found.hours, found.seen) == (1.5, 2, 2)
    after = found.step(hour(20, 5, z=0.0, log_ratio=-2.0))
    assert (after.cusum, after.hours) == (0.0, 0)


def test_one_hour_counts_for_no_more_than_it_may() -> None:
    found = charts(hour(500, 400, z=100.0, log_ratio=900.0))
    assert (found.ewma, found.cusum) == (3.0, 11.25)


def charts(*hours: Hour) -> Charts:
    found = Charts(CONFIG)
    for hour in hours:
        found = found.step(hour)
    return found


def hour(
    documents: int,
    negatives: int,
    *,
    expected: float = 5.0,
    share: float = 0.25,
    z: float = 6.0,
    log_ratio: float = 9.0,
) -> Hour:
    return Hour(documents, negatives, expected, 3.0, share, z, log_ratio)


def test_a_surge_of_the_negative_alone_is_an_alarm() -> None:
    assert charts(hour(35, 20)).alarm() == ("ewma", "cusum")


@pytest.mark.parametrize(
    "quiet",
    [
        hour(7, 7, expected=1.0),  # too few, however bad
        hour(30, 15, expected=12.0),  # hardly more than expected
        hour(200, 60, share=0.25),  # many more of almost the usual kind
        hour(35, 20, z=4.4, log_ratio=7.4),  # no chart is over its limit
    ],
)
def test_what_makes_no_alarm(quiet: Hour) -> None:
    assert charts(quiet).alarm() == ()


def test_two_hours_may_show_together_what_each_is_too_small_for() -> None:
    one = hour(10, 7, expected=4.0)
    assert charts(one).alarm() == ()
    assert charts(one, one).alarm() == ("ewma", "cusum")


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
    assert np.abs(found.documents / 4 - profile).mean() < 0.8
    assert found.share == pytest.approx(np.full(WEEK, 0.25), abs=0.001)
    assert found.bursts < 0.06


def test_a_trend_is_followed() -> None:
    rng = np.random.default_rng(0)
    negatives = rng.poisson(np.linspace(20, 40, 8 * WEEK))
    found = fit(History(negatives * 4, negatives, weekly(8 * WEEK), np.ones(8 * WEEK, dtype=np.bool_)))
    assert float(found.documents.mean()) == pytest.approx(4 * 36.4, abs=4)
    assert found.bursts < 0.06


def test_hours_of_past_surges_do_not_make_the_next_one_normal() -> None:
    documents, negatives = flat()
    kept = np.ones(len(negatives), dtype=np.bool_)
    for week in range(8):
        negatives[week * WEEK + 12], documents[week * WEEK + 12] = 60, 75
        kept[week * WEEK + 12] = week < 0
    found = fit(History(documents, negatives, weekly(len(negatives)), kept))
    assert float(found.documents[12]) == pytest.approx(20, abs=2)
    assert float(found.share[12]) == pytest.approx(0.25, abs=0.02)


def test_a_topic_that_nobody_wrote_about_has_a_baseline_too() -> None:
    nothing = np.zeros(8 * WEEK, dtype=np.int64)
    found = fit(History(nothing, nothing, weekly(8 * WEEK), np.ones(8 * WEEK, dtype=np.bool_)))
    assert float(found.documents.max()) < 0.002
    assert float(log_likelihood_ratio(found.normal(0), np.array(0), np.array(0), 2.5)) == pytest.approx(0, abs=0.01)


def test_one_outlier_is_clipped() -> None:
    documents, negatives = flat()
    negatives[100], documents[100] = 5_000, 5_000
    found = fit(History(documents, negatives, weekly(len(negatives)), np.ones(len(negatives), dtype=np.bool_)))
    assert float(found.documents.max() * found.share.max()) < 7


def test_days_that_do_not_differ_are_drawn_together_and_those_that_do_are_not() -> None:
    rng = np.random.default_rng(1)
    alike, apart = np.full(WEEK, 20.0), np.where(np.arange(WEEK) // 24 == 2, 60.0, 20.0)
    error = {}
    for name, usual in (("alike", alike), ("apart", apart)):
        documents = rng.poisson(np.tile(usual, 8))
        found = fit(History(documents, documents // 4, weekly(8 * WEEK), np.ones(8 * WEEK, dtype=np.bool_)))
        each = (found.documents, documents.reshape(8, WEEK).mean(axis=0))
        error[name] = [float(np.abs(values / usual - 1)[48:72].mean()) for values in each]
    drawn, apart_weeks = error["alike"]
    assert drawn < apart_weeks / 2
    assert error["apart"][0] < 0.15


def test_scatter_is_told_apart_into_bursts_of_all_documents_and_moods_of_the_negatives() -> None:
    negatives, others = hours_of(Normal(50.0, 150.0, 0.1, 0.04), 1.0, 8 * WEEK)
    history = History(negatives + others, negatives, weekly(8 * WEEK), np.ones(8 * WEEK, dtype=np.bool_))
    found = fit(history)
    assert (found.bursts, found.moods) == (pytest.approx(0.1, abs=0.02), pytest.approx(0.04, abs=0.01))


def timeline(documents: np.ndarray, negatives: np.ndarray) -> Timeline:
    """Of a stream that has this topic alone."""
    missing = gaps(documents, weekly(len(documents)))
    return Timeline.of(MONDAY, documents, negatives, ZoneInfo("UTC"), missing)


def watch(documents: np.ndarray, negatives: np.ndarray) -> Watch:
    found = Watch(timeline(documents, negatives), CONFIG, np.zeros(len(documents), dtype=np.bool_), 8 * WEEK)
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


def test_what_lasts_for_months_becomes_normal() -> None:
    documents, negatives = (np.tile(each, 2) for each in flat())
    begin = 8 * WEEK + 10
    documents[begin:], negatives[begin:] = 60, 45
    found = watch(documents, negatives)
    assert {each.over for each in found.surges} == {True}
    assert max(each.last for each in found.surges) < begin + 5 * WEEK
    assert found.surge is None


def test_hours_in_which_the_stream_stands_still_end_no_surge_and_are_not_normal() -> None:
    documents, negatives = flat()
    begin = 8 * WEEK + 10
    documents[begin : begin + 3], negatives[begin : begin + 3] = 60, 45
    documents[begin + 3 : begin + 40] = negatives[begin + 3 : begin + 40] = 0
    found = watch(documents[: begin + 40], negatives[: begin + 40])
    assert (found.surges, found.surge is not None and found.surge.last) == ([], begin + 2)
    found = watch(documents, negatives)
    assert [(each.began, each.over) for each in found.surges] == [(begin, True)]
    assert {round(each.hour.expected) for each in found.judged} == {5}


def test_a_stream_that_began_today_is_not_judged_by_one_old_document() -> None:
    documents, negatives = np.zeros(8 * WEEK + 40, dtype=np.int64), np.zeros(8 * WEEK + 40, dtype=np.int64)
    documents[0], documents[-20:], negatives[-20:] = 1, 30, 20
    assert watch(documents, negatives).judged == []


@pytest.mark.parametrize(("usual", "length", "missing"), [(0, 23, 0), (0, 24, 24), (5, 4, 0), (5, 5, 5), (30, 1, 1)])
def test_a_gap_is_a_day_without_any_document_or_hours_that_bring_twenty(usual: int, length: int, missing: int) -> None:
    hours = weekly(8 * WEEK)
    documents = np.where((hours >= 50) & (hours < 50 + length), usual, 20)
    documents[WEEK + 50 : WEEK + 50 + length] = 0
    found = gaps(documents, hours)
    assert found[WEEK + 50 : WEEK + 50 + length].sum() == missing


def test_a_look_into_the_running_hour_is_held_against_its_part_and_changes_nothing() -> None:
    documents, negatives = flat()
    ahead = Watch(timeline(documents, negatives), CONFIG, np.zeros(len(documents), dtype=np.bool_), 8 * WEEK)
    ahead.walk(len(documents) - 1)
    found = {part: ahead.glance(18, 14, part) for part in (0.25, 1.0)}
    told = {part: (each.hour.expected, each.detectors) for part, each in found.items() if each is not None}
    assert told[0.25] == (pytest.approx(1.25, abs=0.01), ("cusum",))
    assert told[1.0] == (pytest.approx(5.0, abs=0.05), ())
    assert ahead.surge is None


@pytest.mark.parametrize(("minute", "part"), [(0, 0.25), (14, 0.25), (15, 0.5), (44, 0.75), (59, 1.0)])
def test_quarters_of_an_hour_count_once_they_have_begun(minute: int, part: float) -> None:
    assert part_passed(datetime(2026, 1, 5, 7, minute, tzinfo=UTC)) == part


def test_hours_of_the_week_are_those_of_the_zone() -> None:
    shanghai = ZoneInfo("Asia/Shanghai")
    assert hour_of_week(MONDAY, shanghai) == 8
    assert hour_of_week(datetime(2026, 1, 4, 16, tzinfo=UTC), shanghai) == 0


def test_days_are_days_when_clocks_change() -> None:
    london = ZoneInfo("Europe/London")
    since, until = datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 3, 30, 12, tzinfo=UTC)
    lengths = [(end - begin).total_seconds() / 3600 for begin, end in steps(since, until, "1d", london)]
    assert lengths == [24.0, 23.0, 24.0]
