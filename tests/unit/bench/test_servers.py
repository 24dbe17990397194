"""Processes of the bench end, whatever state they were left in."""

import signal
import sys
from pathlib import Path

import pytest

from bench.rig.meters import family
from bench.rig.servers import Server, pinned

FAMILY = """
import signal, sys
from subprocess import PIPE, Popen
signal.signal(signal.SIGTERM, {on_term})
with Popen([sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"], stdin=PIPE, stdout=PIPE) as child:
    child.stdout.readline()
    print("up", file=sys.stderr, flush=True)
    child.wait()
"""
"""A parent that, asked to end, waits for its child to end first."""


@pytest.mark.parametrize(("on_term", "patience_s"), [("lambda *_: sys.exit()", 3600.0), ("signal.SIG_IGN", 0.1)])
def test_a_family_that_stands_still_ends_with_the_block(tmp_path: Path, on_term: str, patience_s: float) -> None:
    told = tmp_path / "told"
    command = [sys.executable, "-c", FAMILY.format(on_term=on_term)]
    with told.open("w") as log, pinned(command, None, {}, log, patience_s=patience_s) as pid:
        while told.read_text() != "up\n":
            assert Path(f"/proc/{pid}").exists()
        assert len(family(pid)) == 2
        Server("peer", "", pid).signal(signal.SIGSTOP)
    assert not Path(f"/proc/{pid}").exists()
