"""Which surges belong together, what is told again, and what a silence covers."""

from datetime import UTC, datetime, timedelta

import pytest

from services.intent.monitor.alerts import (
    KnownAlert,
    KnownSurge,
    Policy,
    SeenSurge,
    SilenceRule,
    alert_for,
    is_due_again,
    same_surge,
    silenced_by,
    what_lasts,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
CALM = timedelta(hours=4)


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def known(name: str, began: float, last: float, topic: str = "claims", ended: float | None = None) -> KnownSurge:
    return KnownSurge(name, "a", topic, at(began), at(last), None if ended is None else at(ended))


def seen(began: float, last: float, topic: str = "claims") -> SeenSurge:
    return SeenSurge(topic, at(began), at(last), False, ())


@pytest.mark.parametrize(
    ("surge", "expected"),
    [
        (seen(0, 3), "one"),
        (seen(5, 7), "one"),  # within calm hours of its last
        (seen(7, 9), None),
        (seen(0, 3, "fees"), None),
        (seen(-9, -5), None),
    ],
)
def test_a_surge_goes_on_unless_it_was_calm_between(surge: SeenSurge, expected: str | None) -> None:
    found = same_surge(surge, [known("one", 0, 2)], CALM)
    assert (found.surge_id if found else None) == expected


def test_of_two_that_are_near_it_is_the_one_that_began_at_the_nearest_hour() -> None:
    both = [known("old", 0, 2), known("new", 6, 8)]
    assert [same_surge(each, both, CALM).surge_id for each in (seen(0, 2), seen(6, 9))] == ["old", "new"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("surge", "began", "expected"),
    [
        (seen(6, 9), 6, "new"),
        (seen(0, 9), 3, "new"),  # late documents filled the calm
        (seen(2, 9), 3, "new"),  # the hours that are judged begin within it
        (seen(0, 9, "fees"), 0, None),
        (seen(14, 15), 14, None),
    ],
)
def test_of_a_surge_what_came_after_one_that_is_over_is_the_one_that_lasts(
    surge: SeenSurge, began: float, expected: str | None
) -> None:
    found = what_lasts(surge, [known("old", 0, 2, ended=7), known("new", 6, 8)], CALM)
    assert found is not None
    rest, goes_on = found
    assert (rest.began, goes_on.surge_id if goes_on else None) == (at(began), expected)


@pytest.mark.parametrize("surge", [seen(0, 2), seen(1, 2), seen(-5, -3)])
def test_of_a_surge_that_is_over_nothing_lasts(surge: SeenSurge) -> None:
    assert what_lasts(surge, [known("old", 0, 2, ended=7)], CALM) is None


def alert(name: str, began: float, last: float) -> KnownAlert:
    return KnownAlert(name, "open", at(began), at(last), None)


@pytest.mark.parametrize(
    ("surge", "expected"),
    [
        (seen(5, 6), "late"),
        (seen(6, 6), None),
        (seen(-1, 0), "late"),
        (seen(-9, -7), "late"),  # amid its hours
        (seen(-29, -26), "early"),
        (seen(-30, -27), None),
    ],
)
def test_a_new_surge_joins_the_alert_with_the_latest_hour_whose_hours_are_within_six(
    surge: SeenSurge, expected: str | None
) -> None:
    found = alert_for(surge, [alert("early", -20, -5), alert("late", -12, -1)], Policy())
    assert (found.alert_id if found else None) == expected


@pytest.mark.parametrize(
    ("status", "told", "due"),
    [("open", -6, True), ("open", -5.9, False), ("open", None, True), ("acknowledged", -60, False)],
)
def test_an_open_alert_is_told_again_after_six_hours(status: str, told: float | None, due: bool) -> None:
    known = KnownAlert("a", status, NOON, NOON, None if told is None else at(told))  # type: ignore[arg-type]
    assert is_due_again(known, Policy(), NOON) is due


@pytest.mark.parametrize(("last", "due"), [(-7, False), (-6, False), (-5, True), (0, True)])
def test_what_lasts_without_another_hour_of_it_is_not_told_again(last: float, due: bool) -> None:
    known = KnownAlert("a", "open", at(-9), at(last), at(-6) + timedelta(minutes=20))
    assert is_due_again(known, Policy(), at(1)) is due


TOPIC, SOURCE, BOTH = (
    SilenceRule("topic", "claims", None),
    SilenceRule("source", None, "weibo"),
    SilenceRule("both", "claims", "weibo"),
)


@pytest.mark.parametrize(
    ("surges", "silences", "expected"),
    [
        ([("claims", None)], [TOPIC], "topic"),
        ([("claims", "news")], [SOURCE], None),
        ([("fees", "weibo")], [SOURCE], "source"),
        ([("claims", None)], [BOTH], None),
        ([("claims", "weibo")], [BOTH], "both"),
        ([("claims", "news"), ("fees", "news")], [TOPIC], None),
        ([("claims", "news"), ("fees", "weibo")], [TOPIC, SOURCE], "topic"),
        ([], [TOPIC], None),
        ([("claims", None)], [], None),
    ],
)
def test_a_silence_must_cover_every_surge(
    surges: list[tuple[str, str | None]], silences: list[SilenceRule], expected: str | None
) -> None:
    assert silenced_by(surges, silences) == expected
