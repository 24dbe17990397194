"""A running stack on a disk that is full."""

import json
import os
from pathlib import Path

from kuajie.data_folder import DataFolder
from kuajie.stack import Stack
from kuajie.topology import Topology
from tests.unit.kuajie.test_supervisor import FakeProcess


def test_a_stack_whose_state_cannot_be_written_goes_on_and_writes_it_later(tmp_path: Path) -> None:
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        raise OSError(28, "No space left on device")  # nor does the log take it

    folder = DataFolder(tmp_path)
    stack, process = Stack(folder, Topology(8000), say), FakeProcess()
    stack.supervisor.start(process)
    in_the_way = tmp_path / f".stack.json.{os.getpid()}"
    in_the_way.mkdir()
    process.running = False
    stack.tend()
    stack.tend()
    assert said == [
        "profile has ended; starting it again in 1 s (log: profile.log)",
        "cannot write stack.json: Is a directory",
    ]
    in_the_way.rmdir()
    stack.tend()
    assert json.loads((tmp_path / "stack.json").read_text())["pids"] == {"profile": 1}
