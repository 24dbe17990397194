"""The command line as a script meets it: exit codes, one line on failure, one JSON document."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EVENTS = "user_id,item_id,timestamp\nu1,i1,1\n,i1,2\n"


def kuajie(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KUAJIE_")}
    return subprocess.run(
        [sys.executable, "-m", "kuajie", *words],
        cwd=cwd,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["nope"], "No such command 'nope'."),
        (["up", "--port", "x"], "Invalid value for '--port'"),
        (["up", "--port", "65535"], "Invalid value for '--port'"),
        (["import", "events"], "Missing argument 'file'."),
        (["import", "events", "none.csv"], "none.csv: no such file"),
        (["fit", "rules"], "cannot fit rules; there are segments, recommend and all"),
        (["serve", "billing"], "no such service: billing"),
        (["migrate", "gateway"], "gateway has no database"),
        (["migrate", "profile"], "not set: KUAJIE_PROFILE_DATABASE_URL"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(tmp_path: Path, words: list[str], line: str) -> None:
    done = kuajie(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"kuajie: {line}")
    assert done.stderr.count("\n") == 1


def test_no_stack_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    done = kuajie("fit", "all", "--data", str(tmp_path), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"kuajie: no stack runs on {tmp_path}: start one with `kuajie up`, or name one with --url and --api-key\n"
    )


def test_an_unreachable_gateway_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text(EVENTS)
    done = kuajie("import", "events", "e.csv", cwd=tmp_path, KUAJIE_URL="http://127.0.0.1:9", KUAJIE_API_KEY="k")
    assert done.returncode == 1
    assert done.stderr == "kuajie: http://127.0.0.1:9 cannot be reached: Connection refused\n"


def test_help_is_printed_without_a_command(tmp_path: Path) -> None:
    done = kuajie(cwd=tmp_path)
    assert done.returncode == 0
    assert "Usage: kuajie" in done.stdout


def test_json_is_exactly_one_document_on_standard_output(tmp_path: Path, stand) -> None:
    (tmp_path / "e.csv").write_text(EVENTS)
    done = kuajie("import", "events", "e.csv", "--json", cwd=tmp_path, KUAJIE_URL=stand.url, KUAJIE_API_KEY="k")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["reasons"] == {"missing_user_id": 1}


def test_a_person_gets_the_sums_and_a_table_of_reasons(tmp_path: Path, stand) -> None:
    (tmp_path / "e.csv").write_text(EVENTS)
    done = kuajie("import", "events", "e.csv", cwd=tmp_path, KUAJIE_URL=stand.url, KUAJIE_API_KEY="k")
    assert done.stdout.startswith("e.csv: 2 read, 1 kept, 0 duplicates, 1 rejected\n")
    assert "missing_user_id" in done.stdout


def test_strict_with_a_bad_row_is_exit_code_2(tmp_path: Path, stand) -> None:
    (tmp_path / "e.csv").write_text(EVENTS)
    done = kuajie(
        "import", "events", "e.csv", "--strict", "--json", cwd=tmp_path, KUAJIE_URL=stand.url, KUAJIE_API_KEY="k"
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


def test_down_without_a_stack_says_so(tmp_path: Path) -> None:
    done = kuajie("down", "--data", str(tmp_path / "data"), "--json", cwd=tmp_path)
    assert done.returncode == 0
    assert json.loads(done.stdout) == {"stopped": False, "pid": None, "data": str(tmp_path / "data")}


def test_evaluation_names_the_row_that_it_cannot_use(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item_id,title,categories\ni1,A,x\n")
    (tmp_path / "train.csv").write_text("user_id,item_id,timestamp\nu1,i1,1\n\nu1,i1,yesterday\n")
    files = ["--items", "items.csv", "--train", "train.csv", "--test", "train.csv"]
    done = kuajie("evaluate", "recommend", *files, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == ("kuajie: train.csv: row 4: the timestamp is neither ISO 8601 nor seconds since 1970\n")
