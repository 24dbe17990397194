"""`kuajie train intent` and `kuajie evaluate intent`: any file of texts and labels, and one line for what cannot be used."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import huggingface_hub
import pytest

from tests.unit.training_intent.conftest import Command


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
    _, whole, _ = command("evaluate", "intent", "--data", labelled, "--model", package, "--json")
    assert command("evaluate", "intent", "--data", labelled, "--model", tmp_path / "one", "--json")[:2] == (0, whole)
    told = ["--epochs", 1, "--learning-rate", 0, "--base", tmp_path / "one", "--out", tmp_path / "two"]
    status, _, error = command("train", "intent", *choices, *told)
    assert (status, (tmp_path / "two").exists()) == (2, False)
    assert "name --validation rows that it has not learned from" in error.splitlines()[-1]
    status, output, _ = command("train", "intent", *choices, *told, "--validation", labelled)
    assert status == 0
    report = json.loads(output)
    assert report["heads_kept"] == ["intent"]
    assert report["validation"]["intent"]["accuracy"] == 1.0


@pytest.mark.parametrize("left", [["checkpoint.pt", "package"], ["checkpoint.pt"]])
def test_a_run_is_not_replaced_by_the_command_repeated(
    command: Command, labelled: Path, tiny_base: Path, tmp_path: Path, left: list[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in left:
        (out / name).write_bytes(b"hours of work")
    status, _, error = command("train", "intent", "--data", labelled, "--base", tiny_base, "--out", out)
    reason = f"kuajie: {out} holds a run: go on with it by --resume, or name another --out"
    assert (status, error.splitlines()[-1]) == (2, reason)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == dict.fromkeys(left, b"hours of work")


@pytest.mark.parametrize("more", [[], ["--resume"]])
def test_a_package_without_a_checkpoint_is_not_replaced(
    command: Command, labelled: Path, tiny_base: Path, tmp_path: Path, more: list[str]
) -> None:
    out = tmp_path / "out"
    (out / "package").mkdir(parents=True)
    status, _, error = command("train", "intent", "--data", labelled, "--base", tiny_base, "--out", out, *more)
    reason = f"kuajie: {out} holds a package and no checkpoint to go on from: name another --out"
    assert (status, error.splitlines()[-1]) == (2, reason)
    assert [path.name for path in out.rglob("*")] == ["package"]


def test_a_finished_run_resumed_is_the_same(command: Command, labelled: Path, tiny_base: Path, tmp_path: Path) -> None:
    words = ["train", "intent", "--data", labelled, "--base", tiny_base, "--out", tmp_path / "out", "--epochs", 1]
    _, first, _ = command(*words, "--json")
    status, again, _ = command(*words, "--json", "--resume")
    assert (status, json.loads(again)) == (0, json.loads(first))


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
        (["--data", "{labelled}", "--base", "{folder}/absent"], "absent: there is no such folder, and it is no hub id"),
        (["--data", "{labelled}", "--base", "{other}"], "the encoder roberta with gelu cannot be exported"),
        (["--data", "{labelled}", "--base", "{other}", "--layers", "0"], "the encoder roberta with gelu"),
        (["--data", "{labelled}", "--base", "{half}"], "the package is damaged"),
        (
            ["--data", "{labelled}", "--base", "{cut}"],
            "cut: its weights are damaged, or not those that its config.json",
        ),
        (["--data", "{labelled}", "--base", "{taller}"], "taller: its weights have no encoder.layer.2."),
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
    other = Path(shutil.copytree(tiny_base, tmp_path / "other"))
    (other / "config.json").write_text((other / "config.json").read_text().replace('"bert"', '"roberta"'))
    cut = Path(shutil.copytree(tiny_base, tmp_path / "cut"))
    with (cut / "model.safetensors").open("r+b") as weights:
        weights.truncate(5_000)
    taller = Path(shutil.copytree(tiny_base, tmp_path / "taller"))
    more = (taller / "config.json").read_text().replace('"num_hidden_layers": 2', '"num_hidden_layers": 3')
    (taller / "config.json").write_text(more)
    places = {"labelled": labelled, "base": tiny_base, "folder": tmp_path, "half": half, "strange": strange}
    places |= {"cut": cut, "taller": taller}
    filled = [word.format(**places, other=other) for word in words]
    status, output, error = command("train", "intent", "--out", tmp_path / "out", *filled)
    assert (status, output, (tmp_path / "out").exists()) == (2, "", False)
    assert reason in error.splitlines()[-1]


def test_a_hub_out_of_reach_is_told_at_once(
    command: Command, labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    began = time.monotonic()
    status, _, error = command(
        "train", "intent", "--data", labelled, "--base", "some/encoder", "--out", tmp_path / "out"
    )
    assert (status, error.splitlines()) == (
        2,
        ["kuajie: cannot train from some/encoder: there is no such folder, and http://127.0.0.1:9 cannot be reached"],
    )
    assert time.monotonic() - began < 5


def test_a_folder_that_cannot_be_written_is_named(command: Command, labelled: Path, tiny_base: Path) -> None:
    status, _, error = command("train", "intent", "--data", labelled, "--base", tiny_base, "--out", labelled)
    assert (status, error.splitlines()[-1]) == (1, f"kuajie: {labelled} cannot be written: File exists")


@pytest.mark.parametrize("words", [["evaluate", "intent"], ["train", "calibration", "--out", "{folder}/calibrated"]])
def test_rows_that_tell_nothing_of_a_models_tasks_are_refused(
    command: Command, labelled: Path, tiny_base: Path, tmp_path: Path, words: list[str]
) -> None:
    choices = ["--data", labelled, "--base", tiny_base, "--epochs", 1, "--json"]
    _, output, _ = command("train", "intent", *choices, "--out", tmp_path / "out")
    moods = tmp_path / "moods.csv"
    moods.write_text("text,sentiment\nhello,neutral\n")
    filled = [word.format(folder=tmp_path) for word in words]
    status, _, error = command(*filled, "--data", moods, "--model", json.loads(output)["package"])
    assert (status, error.splitlines()[-1]) == (2, "kuajie: no row has a label of intent")


def test_a_folder_that_is_no_model_is_one_line_and_status_2(command: Command, labelled: Path, tmp_path: Path) -> None:
    status, _, error = command("evaluate", "intent", "--data", labelled, "--model", tmp_path)
    assert status == 2
    assert error.splitlines()[-1].startswith("kuajie: the package is damaged")


def test_the_embedding_of_a_package_is_made_anew_from_the_command_line(
    command: Command, labelled: Path, tiny_base: Path, tmp_path: Path
) -> None:
    choices = ["--data", labelled, "--base", tiny_base, "--epochs", 1, "--json"]
    command("train", "intent", *choices, "--out", tmp_path / "out")
    words = ["train", "embedding", "--data", labelled, "--model", tmp_path / "out", "--out", tmp_path / "meaning"]
    status, output, _ = command(*words, "--teacher", tiny_base, "--json")
    manifest = json.loads((tmp_path / "meaning" / "manifest.json").read_bytes())
    assert (status, json.loads(output)["version"]) == (0, manifest["version"])
    status, _, error = command(*words, "--teacher", tiny_base)
    assert (status, error.splitlines()[-1]) == (2, f"kuajie: {tmp_path / 'meaning'} is there already")
