"""What a person sees of long work."""

import io
import sys

import pytest

from kuajie.terminal import stages


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
