"""Restarts with back-off, on a clock of our own."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kuajie.binaries import EngineError
from kuajie.supervisor import Supervisor, delay_before


@dataclass
class FakeProcess:
    """A process whose life the test decides."""

    name: str = "profile"
    pid: int | None = 1
    log_path: Path = Path("profile.log")
    running: bool = False
    starts: int = 0
    refusals: int = 0
    refusal: Exception = field(default_factory=lambda: EngineError("PostgreSQL did not start: disk full"))

    def start(self) -> None:
        self.starts += 1
        if self.refusals:
            self.refusals -= 1
            raise self.refusal
        self.running = True

    def alive(self) -> bool:
        return self.running

    def stop(self) -> None:
        self.running = False


@dataclass
class Scene:
    now: float = 0.0
    said: list[str] = field(default_factory=list)

    def supervisor(self) -> Supervisor:
        return Supervisor(self.said.append, clock=lambda: self.now)


def test_the_delay_doubles_up_to_half_a_minute() -> None:
    assert [delay_before(attempt) for attempt in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]


def test_a_process_that_runs_is_left_alone() -> None:
    scene, process = Scene(), FakeProcess()
    supervisor = scene.supervisor()
    supervisor.start(process)
    assert not supervisor.tend()
    assert (process.starts, scene.said) == (1, [])


def test_a_process_that_ends_is_started_again_after_its_delay_and_both_are_said() -> None:
    scene, process = Scene(), FakeProcess()
    supervisor = scene.supervisor()
    supervisor.start(process)
    process.running = False
    assert supervisor.tend()
    scene.now = 0.9
    assert not supervisor.tend()
    assert process.starts == 1
    scene.now = 1.0
    assert supervisor.tend()
    assert process.running
    assert scene.said == [
        "profile has ended; starting it again in 1 s (log: profile.log)",
        "profile is started again",
    ]


def test_a_process_that_keeps_dying_waits_longer_each_time() -> None:
    scene, process = Scene(), FakeProcess()
    supervisor = scene.supervisor()
    supervisor.start(process)
    for _ in range(3):
        process.running = False
        supervisor.tend()
        scene.now += 60
        supervisor.tend()
        scene.now -= 60 - 1
    assert [line.split("again in ")[1].split(" s")[0] for line in scene.said if "ended" in line] == ["1", "2", "4"]
    assert supervisor.deaths("profile") == 3


def test_a_steady_run_forgets_earlier_deaths() -> None:
    scene, process = Scene(), FakeProcess()
    supervisor = scene.supervisor()
    supervisor.start(process)
    for _ in range(2):
        process.running = False
        supervisor.tend()
        scene.now += 2
        supervisor.tend()
        scene.now += 100
    process.running = False
    supervisor.tend()
    assert supervisor.deaths("profile") == 1


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (EngineError("PostgreSQL did not start: disk full"), "PostgreSQL did not start: disk full"),
        (OSError(28, "No space left on device"), "profile: No space left on device"),
    ],
)
def test_what_cannot_start_again_is_tried_later(refusal: Exception, said: str) -> None:
    scene, process = Scene(), FakeProcess(refusal=refusal)
    supervisor = scene.supervisor()
    supervisor.start(process)
    process.running, process.refusals = False, 1
    supervisor.tend()
    scene.now = 1.0
    supervisor.tend()
    supervisor.tend()
    scene.now = 3.0
    supervisor.tend()
    assert process.running
    assert said in scene.said


def test_stopping_ends_every_process_the_last_started_first() -> None:
    order: list[str] = []

    class Noting(FakeProcess):
        def stop(self) -> None:
            order.append(self.name)

    supervisor = Scene().supervisor()
    for name in ("PostgreSQL", "profile", "gateway"):
        supervisor.start(Noting(name))
    supervisor.stop_all()
    assert order == ["gateway", "profile", "PostgreSQL"]
