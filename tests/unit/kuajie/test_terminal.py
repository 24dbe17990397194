"""What a person sees of long work."""

import io
import sys

import pytest

from kuajie import terminal
from kuajie.terminal import progress, stages


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_says_what_is_being_done(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", screen)
    with stages("training intent") as stage:
        stage("epoch 1: validation 0.9000", 1.0)
        stage("exporting", 1.0)
    assert "training intent: exporting" in screen.getvalue()


class Clock:
    """Monotonic seconds, as the test says."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(terminal.time, "monotonic", made)
    return made


def test_a_log_gets_a_line_a_stage_and_one_a_minute(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with stages("training intent") as stage:
        for clock.now, name, share in (
            (5.0, "epoch 1", 0.1),
            (20.0, "epoch 1", 0.2),
            (79.0, "epoch 1", 0.4),
            (81.0, "epoch 1", 0.45),
            (90.0, "epoch 1: validation 0.9000", 0.5),
        ):
            stage(name, share)
    assert capsys.readouterr().err.splitlines() == [
        "kuajie: training intent: epoch 1, 20% after 20 s",
        "kuajie: training intent: epoch 1, 45% after 81 s",
        "kuajie: training intent: epoch 1: validation 0.9000, 50% after 90 s",
    ]


def test_a_log_gets_a_count_where_nobody_knows_the_whole(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with progress("reading", None) as advance:
        advance(1_000)
        clock.now = 61.0
        advance(500)
    assert capsys.readouterr().err == "kuajie: reading, 1,500 after 61 s\n"


def test_short_work_leaves_no_line(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with stages("evaluating intent") as stage:
        clock.now = 9.9
        stage("reading", 1.0)
    assert capsys.readouterr().err == ""
