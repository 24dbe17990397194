"""A topic watched hour by hour: when a surge begins and ends, gaps, and the hour that runs."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from services.intent.monitor.detectors import DetectorConfig
from services.intent.monitor.gaps import gaps
from services.intent.monitor.hours import WEEK, part_passed
from services.intent.monitor.surges import Timeline, Watch
from tests.unit.intent_monitor.streams import flat, weekly

CONFIG = DetectorConfig()
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


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
    asked = [(18, 14, 0.25), (18, 14, 1.0), (72, 56, 1.0)]
    told = [each and (each.hour.expected, each.detectors) for each in (ahead.glance(*some) for some in asked)]
    assert told == [
        (pytest.approx(1.25, abs=0.01), ("cusum",)),
        None,
        (pytest.approx(5.0, abs=0.05), ("ewma", "cusum")),
    ]
    assert ahead.surge is None


@pytest.mark.parametrize(("minute", "part"), [(0, 0.25), (14, 0.25), (15, 0.5), (44, 0.75), (59, 1.0)])
def test_quarters_of_an_hour_count_once_they_have_begun(minute: int, part: float) -> None:
    assert part_passed(datetime(2026, 1, 5, 7, minute, tzinfo=UTC)) == part
