"""`kuajie train intent` and `kuajie evaluate intent`: any file of texts and labels, and one line for what cannot be used."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kuajie import cli

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs the command line in this process; exit status, standard output and standard error."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["kuajie", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        output = capsys.readouterr()
        status = ended.value.code
        assert isinstance(status, int)
        return status, output.out, output.err

    return run


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    path = tmp_path / "my.csv"
    lines = [f"买课 {number}{'ab'[number % 2]},buy" for number in range(24)]
    lines += [f"where is qqq zzz {number},other" for number in range(24)]
    path.write_text("\n".join(["text,label", *lines]), encoding="utf-8")
    return path


def test_any_file_of_texts_and_labels_becomes_a_model(
    command: Command, labelled: Path, tiny_base: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    choices = ["--layers", "all", "--epochs", 6, "--batch-size", 8, "--learning-rate", 0.003, "--train-words"]
    status, output, _ = command(
        "train", "intent", "--data", labelled, "--base", tiny_base, "--out", out, *choices, "--json"
    )
    assert status == 0
    report = json.loads(output)
    assert report["validation"]["intent"]["accuracy"] == 1.0
    status, output, _ = command("evaluate", "intent", "--data", labelled, "--model", report["package"], "--json")
    assert status == 0
    judged = json.loads(output)
    assert judged["tasks"]["intent"]["accuracy"] == 1.0
    assert judged["scope_auroc"] is None
    assert {name: part["tasks"]["intent"]["rows"] for name, part in judged["by_language"].items()} == {
        "en": 24,
        "zh": 24,
    }


def test_a_model_is_the_base_of_the_next(command: Command, labelled: Path, tiny_base: Path, tmp_path: Path) -> None:
    choices = ["--data", labelled, "--batch-size", 8, "--json"]
    learning = ["--epochs", 6, "--learning-rate", 0.003]
    status, output, _ = command("train", "intent", *choices, *learning, "--base", tiny_base, "--out", tmp_path / "one")
    package = json.loads(output)["package"]
    told = ["--epochs", 1, "--learning-rate", 0, "--base", package, "--out", tmp_path / "two"]
    status, output, _ = command("train", "intent", *choices, *told)
    assert status == 0
    report = json.loads(output)
    assert report["heads_kept"] == ["intent"]
    assert report["validation"]["intent"]["accuracy"] == 1.0


@pytest.mark.slow
def test_two_processes_train_together_and_one_speaks(labelled: Path, tiny_base: Path, tmp_path: Path) -> None:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "kuajie"]
    words = ["train", "intent", "--data", labelled, "--base", tiny_base, "--out", tmp_path / "out", "--json"]
    choices = ["--layers", "all", "--epochs", "6", "--batch-size", "4", "--learning-rate", "0.003", "--train-words"]
    ended = subprocess.run([*torchrun, *map(str, words), *choices], check=True, capture_output=True, text=True)
    report = json.loads(ended.stdout)
    assert len(ended.stdout.splitlines()) == 1
    assert report["validation"]["intent"]["accuracy"] == 1.0


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--data", "absent.csv", "--base", "absent"], "absent.csv"),
        (["--data", "{labelled}", "--base", "{folder}/absent"], "cannot train from"),
        (["--data", "{labelled}", "--base", "{half}"], "the package is damaged"),
        (["--data", "{labelled}", "--base", "absent", "--validation", "{strange}"], "strange.csv: no row is in scope"),
        (["--data", "{labelled}", "--base", "{base}", "--layers", "0,7"], "the encoder has the layers 0 to 1"),
        (["--data", "{labelled}", "--base", "{base}", "--layers", "few"], "--layers takes `all` or numbers"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_status_2(
    command: Command, labelled: Path, tiny_base: Path, tmp_path: Path, words: list[str], reason: str
) -> None:
    half = tmp_path / "half"
    half.mkdir()
    (half / "model.json").write_text("{}")
    strange = tmp_path / "strange.csv"
    strange.write_text("text,label\nis it raining?,out_of_scope\n")
    places = {"labelled": labelled, "base": tiny_base, "folder": tmp_path, "half": half, "strange": strange}
    filled = [word.format(**places) for word in words]
    status, output, error = command("train", "intent", "--out", tmp_path / "out", *filled)
    assert (status, output) == (2, "")
    assert reason in error.splitlines()[-1]


def test_a_folder_that_is_no_model_is_one_line_and_status_2(command: Command, labelled: Path, tmp_path: Path) -> None:
    status, _, error = command("evaluate", "intent", "--data", labelled, "--model", tmp_path)
    assert status == 2
    assert error.splitlines()[-1].startswith("kuajie: the package is damaged")
