"""Planted surges in simulated streams: what is found and when, and how often there is a false alarm; the seed decides all."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from services.intent.monitor.counts import Counts
from services.intent.monitor.detectors import DetectorConfig
from services.intent.monitor.hours import HOUR
from services.intent.monitor.judging import judge
from training.monitor.evaluation import MONDAY, MOODY, Found, Month, evaluate, poisson_interval, watch_month
from training.monitor.limit import found_in_time, statistic, thresholds
from training.monitor.simulation import BASELINE_WEEKS, QUARTERS, WEEK, Planted, Stream, simulate

SEEDS = (100, 101)
"""Seeds 0 to 9 are held out for the evaluation."""


def month(stream: Stream, seed: int, **how: object) -> Month:
    return watch_month(simulate(stream, np.random.default_rng(seed), **how), DetectorConfig())  # type: ignore[arg-type]


def in_time(months: list[Month], effect: float) -> tuple[int, int]:
    found = [each for one in months for each in one.found if each.planted.effect == effect]
    return sum(each.in_time for each in found), len(found)


@pytest.fixture(scope="module")
def busy() -> list[Month]:
    return [month(Stream(1000), seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def slow() -> list[Month]:
    return [month(Stream(20), seed) for seed in SEEDS]


def test_a_busy_topic_every_surge_of_three_times_and_more_is_found_within_two_hours(busy: list[Month]) -> None:
    assert in_time(busy, 3.0) == (4, 4)
    assert in_time(busy, 5.0) == (4, 4)
    assert [each.false_alarms for each in busy] == [0, 0]


def test_a_slow_topic_finds_less_and_cries_wolf_at_most_once_a_month(slow: list[Month]) -> None:
    assert (in_time(slow, 3.0), in_time(slow, 5.0)) == ((3, 4), (4, 4))
    assert [each.false_alarms for each in slow] == [0, 1]


def test_every_big_surge_is_in_time_where_a_hundred_documents_an_hour_were_expected(
    busy: list[Month], slow: list[Month]
) -> None:
    found = [each for one in [*busy, *slow] for each in one.found if each.planted.effect >= 3]
    assert {each.in_time for each in found if each.planted.documents >= 100} == {True}


def test_the_worker_finds_a_surge_in_the_quarter_of_an_hour_in_which_the_evaluation_does() -> None:
    """What the worker calls, with what it would have counted shortly before the end of each quarter."""
    simulated = simulate(Stream(80), np.random.default_rng(100), effects=(3.0,))
    planted = simulated.planted[0]
    whole = simulated.documents.sum(axis=1), simulated.negatives.sum(axis=1)
    seen: list[tuple[int, tuple[str, ...]]] = []
    for quarter in range(planted.begin - 8, planted.begin + 12):
        hour, within = divmod(quarter, QUARTERS)
        counts = {MONDAY + place * HOUR: Counts(int(whole[0][place]), int(whole[1][place])) for place in range(hour)}
        running = (int(each[hour, : within + 1].sum()) for each in (simulated.documents, simulated.negatives))
        shown = judge(
            "claims",
            counts | {MONDAY + hour * HOUR: Counts(*running)},
            [],
            first=MONDAY,
            now=MONDAY + hour * HOUR + timedelta(minutes=15 * within + 14),
            zone=ZoneInfo("UTC"),
            gaps=np.zeros(hour + 1, dtype=np.bool_),
            config=DetectorConfig(),
        )
        seen += [(quarter + 1 - planted.begin, each.seen.detectors) for each in shown]
    [found] = [each for each in watch_month(simulated, DetectorConfig()).found if each.planted == planted]
    assert seen[0] == (found.after, ("cusum",))


def test_a_month_without_surges_is_silent() -> None:
    assert month(Stream(80), SEEDS[0], surges=0) == Month([], 0)


def test_a_stream_is_the_same_for_the_same_seed_and_planted_as_asked() -> None:
    one, other = (simulate(Stream(20), np.random.default_rng(SEEDS[0])) for _ in range(2))
    assert np.array_equal(one.negatives, other.negatives)
    assert [each.effect for each in one.planted] == [2.0, 3.0, 5.0] * 2
    assert all(2 * QUARTERS <= each.end - each.begin <= 12 * QUARTERS for each in one.planted)
    assert min(each.begin for each in one.planted) >= BASELINE_WEEKS * WEEK * QUARTERS
    for before, after in zip(one.planted, one.planted[1:], strict=False):
        assert after.begin - before.end >= 30 * QUARTERS


def test_the_noise_and_the_trend_are_those_that_were_asked_for() -> None:
    plain = simulate(Stream(1000, bursts=0, moods=0, days=0, trend=1.0), np.random.default_rng(SEEDS[0]), surges=0)
    rough = simulate(Stream(1000, bursts=0.1, moods=0, days=0, trend=2.0), np.random.default_rng(SEEDS[0]), surges=0)
    hours = plain.documents.sum(axis=1)
    assert hours.mean() == pytest.approx(1000, rel=0.01)
    assert plain.negatives.sum() / plain.documents.sum() == pytest.approx(0.25, abs=0.002)
    weeks = rough.documents.sum(axis=1)[: 8 * WEEK].reshape(8, WEEK)
    assert weeks[-1].sum() / weeks[0].sum() == pytest.approx(2 ** (49 / 30), rel=0.1)
    ratios = rough.documents.sum(axis=1) / hours
    assert (ratios / ratios.mean()).std() > 0.3


def test_an_evaluation_is_told_in_figures_with_intervals_beside_the_limit() -> None:
    result = evaluate(seeds=[100], levels=[20.0, 320.0], curve_seeds=[100])
    assert [each["stream"]["documents"] for each in result["streams"]] == [20.0, 320.0, 320.0, 320.0]
    first = result["streams"][1]
    assert set(first["effects"]) == {"2x", "3x", "5x"}
    assert (first["effects"]["5x"]["planted"], first["effects"]["5x"]["limit"]["within_2h"]) == (2, 2)
    assert first["false_alarms"]["interval"] == [0.0, 3.689]
    assert sum(each["planted"] for each in result["big_surges_by_documents"]) == 8
    assert sum(each["limit"]["planted"] for each in result["big_surges_by_documents"]) == 18


def test_a_surge_that_was_never_found_is_not_in_time() -> None:
    planted = Planted(0, 8, 3.0, 10.0)
    assert [Found(planted, after).in_time for after in (None, 8, 9)] == [False, True, False]


def test_the_limit_spends_one_false_alarm_a_month_and_finds_what_can_be_found() -> None:
    stream, seeds = Stream(80), range(500, 510)
    limits = thresholds(stream, (3.0,), seeds)
    calm = [statistic(simulate(stream, np.random.default_rng(seed), surges=0), stream, 3.0) for seed in seeds]
    above = [np.flatnonzero(month > limits[3.0]) for month in calm]
    assert sum(int((np.diff(each, prepend=-99) > 48).sum()) for each in above) == len(seeds)
    planted = [simulate(stream, np.random.default_rng(seed), effects=(3.0,)) for seed in SEEDS]
    found = [each for one in planted for each in found_in_time(one, stream, limits)]
    assert [can for each, can in found if each.documents > 60] == [True] * 11
    assert [can for each, can in found if each.documents < 10] == [False]


def test_the_limit_weighs_every_begin_in_the_last_two_hours() -> None:
    """One hour that is calm, one with a surge from its second quarter on: the sum over the eight begins, worked out apart."""
    stream = Stream(100, bursts=1e-7, moods=1e-9, days=1e-9)
    found = simulate(stream, np.random.default_rng(SEEDS[0]), surges=0)
    at = BASELINE_WEEKS * WEEK + 5
    found.negatives[at - 1 : at + 1] = [[2, 1, 2, 1], [2, 9, 8, 9]]
    found.documents[at - 1 : at + 1] = found.negatives[at - 1 : at + 1] + 5
    counts = found.negatives[at - 1 : at + 1].reshape(-1)
    each_quarter = np.repeat(found.rate[at - 1 : at + 1], QUARTERS) * stream.share / QUARTERS
    ratios = counts * np.log(3.0) - 2.0 * each_quarter
    expected = np.logaddexp.reduce([ratios[begin:].sum() for begin in range(8)])
    assert statistic(found, stream, 3.0)[5 * QUARTERS + 3] == pytest.approx(expected, abs=1e-3)


def test_poisson_intervals_are_the_exact_ones() -> None:
    assert poisson_interval(0) == (0.0, pytest.approx(3.689, abs=0.001))
    assert poisson_interval(3) == (pytest.approx(0.619, abs=0.001), pytest.approx(8.767, abs=0.001))


def test_a_topic_whose_share_goes_up_and_down_by_itself_cries_wolf_no_more_often() -> None:
    assert [month(Stream(1000, **MOODY), seed).false_alarms for seed in SEEDS] == [0, 0]


@pytest.mark.slow
@pytest.mark.parametrize(("documents", "found", "false_alarms"), [(320.0, (20, 20), 0), (1000.0, (20, 20), 1)])
def test_ten_months_of_busy_topics(documents: float, found: tuple[int, int], false_alarms: int) -> None:
    months = [month(Stream(documents), seed) for seed in range(100, 110)]
    assert in_time(months, 3.0) == found
    assert in_time(months, 5.0) == (20, 20)
    assert sum(each.false_alarms for each in months) == false_alarms
