"""Charts and gates: what an alarm takes, and what makes none."""

import pytest

from services.intent.monitor.detectors import Charts, DetectorConfig, Hour

CONFIG = DetectorConfig()


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
    return Hour(documents, negatives, expected, share, 3.0, z, log_ratio)


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
