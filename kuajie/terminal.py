"""What a person sees: lines and bars on standard error, the answer on standard output; with --json one document there."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Advance = Callable[[int], None]
Stage = Callable[[str, float], None]
"""A stage's name, and the share (0 to 1) of the whole work that is done when it begins."""


def say(text: str) -> None:
    sys.stderr.write(f"kuajie: {text}\n")
    sys.stderr.flush()


def show_json(document: Any) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def show(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextmanager
def progress(title: str, total: int | None) -> Iterator[Advance]:
    """A bar while the block runs; lines now and then where standard error is no terminal."""
    with _bar(title, total) as (advance, _):
        yield advance


@contextmanager
def _bar(title: str, total: int | None) -> Iterator[tuple[Advance, Callable[[str], None]]]:
    """What moves the bar on, and what puts another title before it."""
    if not sys.stderr.isatty():
        lines = _Lines(title, total)
        yield lines.advance, lines.call
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda steps: bar.advance(task, steps), lambda name: bar.update(task, description=name)


class _Lines:
    """How far long work is, for a log: a line at every new title, and at least every `EVERY_S`; nothing in the first `QUIET_S`."""

    QUIET_S = 10.0
    EVERY_S = 60.0

    def __init__(self, title: str, total: int | None) -> None:
        self._title, self._told, self._total = title, "", total
        self._done = 0
        self._begun = self._last = time.monotonic()

    def advance(self, steps: int) -> None:
        self._done += steps
        self._tell()

    def call(self, name: str) -> None:
        self._title = name
        self._tell()

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._begun < self.QUIET_S or (self._title == self._told and now - self._last < self.EVERY_S):
            return
        self._told, self._last = self._title, now
        far = f"{min(1.0, self._done / self._total):.0%}" if self._total else f"{self._done:,}"
        say(f"{self._title}, {far} after {now - self._begun:,.0f} s")


@contextmanager
def stages(title: str) -> Iterator[Stage]:
    """A bar that follows a stage's share (0 to 1) of the work, with the stage's name before it."""
    done = 0.0
    with _bar(title, 1000) as (advance, call):

        def stage(name: str, share: float) -> None:
            nonlocal done
            advance(round(max(0.0, share - done) * 1000))
            call(f"{title}: {name}")
            done = max(done, share)

        yield stage


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """A table on standard output."""
    from rich.console import Console
    from rich.table import Table

    drawn = Table(title=title, title_justify="left")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*row)
    Console().print(drawn)
