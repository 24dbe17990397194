"""What is told of a run's rows."""

import json
import sys
from pathlib import Path

import pytest

from kuajie import cli
from training.intent.batches import Encoded
from training.intent.remarks import Remarks, told
from training.intent.rows import Row


def row(text: str, **labels: str) -> Row:
    return Row(text, labels, "en")


def test_texts_that_are_cut_contradicted_or_learned_by_heart_are_counted() -> None:
    train = [
        row("a", intent="x"),
        row("a", intent="y", sentiment="neutral"),
        row("b", intent="x"),
        row("b", intent="x", sentiment="negative"),
        row("c", intent="x"),
    ]
    validation = [row("c", intent="x"), row("d", intent="y")]
    read = [Encoded([[0] * length for length in (3, 4, 5, 2, 2)], {}), Encoded([[0] * 4, [0] * 3], {})]
    remarks = Remarks.of(train, validation, read, max_tokens=4)
    assert remarks == Remarks(training=5, validation=2, max_tokens=4, cut=3, contradicted=1, seen=1)
    assert told(remarks.to_json()) == [
        "of 7 texts 3 have 4 tokens or more and are read no further: see --max-tokens",
        "texts with several labels among the training rows: 1",
        "1 of 2 texts for validation are among the training rows: expect less than these figures",
    ]


def test_of_rows_in_order_nothing_is_said() -> None:
    remarks = Remarks.of([row("a", intent="x")], [row("b", intent="x")], [Encoded([[0], [0]], {})], max_tokens=4)
    assert told(remarks.to_json()) == []


def run(
    words: list[object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[object, str, str]:
    monkeypatch.setattr(sys, "argv", ["kuajie", "train", "intent", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    output = capsys.readouterr()
    return ended.value.code, output.out, output.err


def test_how_far_a_text_is_read_is_a_choice_and_held_to_when_it_is_served(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "my.csv"
    data.write_text("text,label\n" + "".join(f"{'long ' * 12}{place},{'xy'[place % 2]}\n" for place in range(8)))
    words = ["--data", data, "--base", tiny_base, "--epochs", 1, "--out", tmp_path / "out", "--max-tokens"]
    code, output, error = run([*words, 32], monkeypatch, capsys)
    assert (code, error) == (0, "")
    assert json.loads((tmp_path / "out" / "report.json").read_bytes())["config"]["batch_size"] == 8
    assert "of 8 texts 8 have 32 tokens or more and are read no further: see --max-tokens" in output
    assert json.loads((tmp_path / "out" / "package" / "model.json").read_bytes())["max_tokens"] == 32
    code, _, error = run([*words, 129, "--resume"], monkeypatch, capsys)
    assert (code, error) == (2, f"kuajie: {tiny_base} reads at most 128 tokens\n")
