"""A reference for what can be found: a detector that knows the simulator's hours. Pure.

It knows the true rate of every hour, how much hours scatter, the size of the surge, and sees quarters of hours. It weighs "a surge has
begun in the last two hours, at any quarter of an hour alike" against "none has": Shiryaev's statistic (1963) over a window, the
test for a change that must be found in time (Guépié, Fillatre and Nikiforov 2012). Its threshold spends the whole budget of one false
alarm a topic and month on streams without surges. It is no bound: it takes a day's factor for the hour's own and the negatives'
factor for lognormal, and its false alarms are counted by quiet hours, not by surges that end.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from services.intent.monitor.evidence import Normal, log_likelihood_ratio
from services.intent.monitor.hours import QUARTERS, WEEK
from training.monitor.simulation import BASELINE_WEEKS, Floats, Integers, Planted, Simulated, Stream, simulate

BUDGET = 1.0
"""False alarms a topic and month."""

IN_TIME = 2 * QUARTERS
QUIET = 12 * QUARTERS
"""Quarters below the threshold after which another excess is another false alarm."""

CALM_SEEDS = range(10_000, 10_040)
FIRST = BASELINE_WEEKS * WEEK


def thresholds(stream: Stream, sizes: Iterable[float], seeds: Sequence[int] = CALM_SEEDS) -> dict[float, float]:
    """By size of surge, the threshold at which months without surges have `BUDGET` false alarms on average."""
    calm = [simulate(stream, np.random.default_rng(seed), surges=0) for seed in seeds]
    return {size: _threshold([statistic(each, stream, size) for each in calm]) for size in sizes}


def found_in_time(simulated: Simulated, stream: Stream, by_size: dict[float, float]) -> list[tuple[Planted, bool]]:
    """Each planted surge, and whether the statistic for its size passes the threshold within two hours."""
    sizes = {each.effect for each in simulated.planted}
    passed = {size: statistic(simulated, stream, size) > by_size[size] for size in sizes}
    begins = [each.begin - FIRST * QUARTERS for each in simulated.planted]
    return [
        (each, bool(passed[each.effect][begin : begin + IN_TIME].any()))
        for each, begin in zip(simulated.planted, begins, strict=True)
    ]


def statistic(simulated: Simulated, stream: Stream, size: float) -> Floats:
    """log of the sum of likelihood ratios over begins in the last two hours, at the end of each watched quarter."""
    by_part = _by_part(simulated, stream, size)
    hours = len(by_part)
    found = np.full((hours, QUARTERS), -np.inf)
    for passed in range(1, QUARTERS + 1):
        for length in range(1, IN_TIME + 1):
            ratio = by_part[:, max(0, passed - length), passed].copy()
            for back, rest in enumerate(range(length - passed, 0, -QUARTERS), 1):
                ratio[back:] += by_part[: hours - back, max(0, QUARTERS - rest), QUARTERS]
            found[:, passed - 1] = np.logaddexp(found[:, passed - 1], ratio)
    return found.reshape(-1)


def _by_part(simulated: Simulated, stream: Stream, size: float) -> Floats:
    """log likelihood ratios of a surge from one quarter's begin to another's end within an hour; shape (hours, 4, 5)."""
    rate = simulated.rate[FIRST:]
    bad, documents = (_so_far(each[FIRST:]) for each in (simulated.negatives, simulated.documents))
    moods = (1 + stream.moods) * (1 + stream.days) - 1
    ratios = np.zeros((len(rate), QUARTERS, QUARTERS + 1))
    for passed in range(1, QUARTERS + 1):
        expected = rate * passed / QUARTERS
        normal = Normal(expected * stream.share, expected * (1 - stream.share), stream.bursts, moods)
        for begin in range(passed):
            ratios[:, begin, passed] = log_likelihood_ratio(
                normal,
                bad[:, passed],
                documents[:, passed] - bad[:, passed],
                size,
                lasts=(passed - begin) / passed,
                surged=bad[:, passed] - bad[:, begin],
            )
    return ratios


def _so_far(counts: Integers) -> Integers:
    """Counts before each quarter of an hour and at its end, shape (hours, 5)."""
    return np.concatenate([np.zeros((len(counts), 1), dtype=np.int64), counts.cumsum(axis=1)], axis=1)


def _threshold(months: Sequence[Floats]) -> float:
    """By bisection."""
    low, high = 0.0, 30.0
    while high - low > 1e-3:
        middle = (low + high) / 2
        if sum(_excesses(month, middle) for month in months) > BUDGET * len(months):
            low = middle
        else:
            high = middle
    return high


def _excesses(month: Floats, threshold: float) -> int:
    """Times that the threshold is passed after twelve quiet hours."""
    above = np.flatnonzero(month > threshold)
    return int((np.diff(above, prepend=-QUIET - 1) > QUIET).sum())
