"""`python -m bench`: what scripts rely on."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]


def run(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_an_unknown_benchmark_is_one_line_that_names_those_there_are() -> None:
    command = [sys.executable, "-m", "bench", "no_such_thing"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("no such benchmark: no_such_thing; there are ")
    assert {"composed_call", "memory", "startup"} <= set(done.stderr.strip().split("there are ")[1].split(", "))


def test_an_option_needs_a_benchmark_to_go_to() -> None:
    command = [sys.executable, "-m", "bench", "--peers"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "--peers: of which benchmark?\n")


@pytest.mark.parametrize("options", [["--pairs", "many"], ["--pairs=many"]])
def test_what_is_behind_a_name_is_the_benchmarks_own(options: list[str]) -> None:
    command = [sys.executable, "-m", "bench", "near_duplicates", *options]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "argument --pairs: invalid int value: 'many'" in done.stderr


def test_batches_of_the_limit_stay_within_their_size() -> None:
    code = "from bench.peers.raw import parcels\nprint(list(parcels([0, 1, 2, 3], [2, 3, 4, 9], 8)))"
    assert run(code).stdout.strip() == "[[0, 1], [2], [3]]"


def test_only_a_single_json_line_counts_as_a_result() -> None:
    code = "from bench.__main__ import _is_one_json_line as good\nprint([good(t) for t in {texts!r}])"
    texts = ['{"a": 1}\n', '{"a": 1}', '{"a": 1}\n{"b": 2}\n', "done\n", ""]
    assert run(code.format(texts=texts)).stdout.strip() == "[True, False, False, False, False]"


def test_callers_of_an_open_loop_do_not_wait_for_each_other() -> None:
    code = (
        "import asyncio\n"
        "from bench.rig.callers import open_loop\n"
        "async def slow(number): await asyncio.sleep(0.5)\n"
        "seen = asyncio.run(open_loop(slow, requests=20, rate=200))\n"
        "print(len(seen.latencies), seen.seconds < 8, seen.quantile_ms(0.5) >= 500)"
    )
    assert run(code).stdout.strip() == "20 True True"


def test_a_closed_loop_has_no_more_callers_than_it_was_given() -> None:
    code = (
        "import asyncio\n"
        "from bench.rig.callers import closed_loop\n"
        "inside = [0, 0]\n"
        "async def call(number):\n"
        "    inside[0] += 1; inside[1] = max(inside); await asyncio.sleep(0.01); inside[0] -= 1\n"
        "seen = asyncio.run(closed_loop(call, requests=30, at_once=3))\n"
        "print(len(seen.latencies), inside[1])"
    )
    assert run(code).stdout.strip() == "30 3"


def test_a_process_that_works_is_seen_to_use_its_processor() -> None:
    code = (
        "import os\n"
        "from bench.rig.meters import cpu_seconds, family, memory\n"
        "before = cpu_seconds(os.getpid())\n"
        "sum(range(20_000_000))\n"
        "resident, proportional = memory(os.getpid())\n"
        "print(cpu_seconds(os.getpid()) > before, resident >= proportional > 1_000_000, family(os.getpid()) == [os.getpid()])"
    )
    assert run(code).stdout.strip() == "True True True"
