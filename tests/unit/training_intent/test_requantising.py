"""A package in blocks is put into the faster form: the same answers, another version, and nothing where it would lose."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from services.intent.trained.package import read_package
from services.intent.trained.transformer import OnnxModel
from tests.unit.training_intent.conftest import Command
from tests.unit.training_intent.test_reopened import pack
from training.intent import evening, requantising
from training.intent.quantise import WAYS
from training.intent.reopened import reopen
from training.intent.requantising import requantise
from training.intent.rows import Row, UnusableData
from training.intent.seeing import ON_CPU, see

IN_BLOCKS = next(place for place, way in enumerate(WAYS) if way.name.endswith("in blocks") and "evened" not in way.name)
ROWS = [
    Row(text, {"intent": label}, "en")
    for label in ("buy", "help", "other")
    for text in (f"{label} {'abcdefgh'[place]}{place}" * (1 + place) for place in range(8))
]


def quiet(name: str, share: float) -> None: ...


@pytest.fixture(scope="module")
def before(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(tiny_base, tmp_path_factory.mktemp("blocked"), IN_BLOCKS).folder


def test_a_package_in_blocks_is_made_anew_and_says_the_same(before: Path, tmp_path: Path) -> None:
    out = tmp_path / "after"
    done = requantise(before, ROWS, ROWS, out=out, progress=quiet)
    assert (done["products"], done["rows"]) == (2, len(ROWS))
    assert done["version"] == read_package(out).manifest.version != read_package(before).manifest.version
    assert "MatMulNBits" not in {node.op_type for node in onnx.load(str(out / "model.onnx")).graph.node}
    assert "Quantised again after" in (out / "README.md").read_text(encoding="utf-8")
    texts = [row.text for row in ROWS]
    old, new = (see(OnnxModel(folder, ON_CPU), texts, quiet).logits["intent"] for folder in (before, out))
    assert float(np.abs(old - new).max()) < 0.05 * float(old.std())
    assert [path.name for path in tmp_path.iterdir()] == ["after"]


def test_what_lies_in_the_folder_beside_the_package_stays_there(before: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(before, tmp_path / "package")
    (folder / "notes").mkdir()
    requantise(folder, ROWS, ROWS, out=folder / "notes" / "after", progress=quiet)
    assert {path.name for path in (folder / "notes" / "after").iterdir()} == {path.name for path in before.iterdir()}


def test_its_weights_are_read_back_as_they_were(before: Path, tmp_path: Path) -> None:
    requantise(before, ROWS, ROWS, out=tmp_path / "after", progress=quiet)
    old, new = (reopen(folder).encoder.state_dict() for folder in (before, tmp_path / "after"))
    for name, value in old.items():
        step = float(value.abs().max()) / 127
        assert float((new[name] - value).abs().max()) <= 2 * step, name


def test_it_is_refused_where_nothing_is_left_to_do_or_it_would_lose(
    before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requantise(before, ROWS, ROWS, out=tmp_path / "after", progress=quiet)
    with pytest.raises(UnusableData, match="nothing in this package can be computed faster"):
        requantise(tmp_path / "after", ROWS, ROWS, out=tmp_path / "again", progress=quiet)
    with pytest.raises(FileExistsError):
        requantise(before, ROWS, ROWS, out=tmp_path / "after", progress=quiet)
    with pytest.raises(UnusableData, match="texts to look at"):
        requantise(before, [], ROWS, out=tmp_path / "none", progress=quiet)
    told = iter([0.9, 0.8949])
    monkeypatch.setattr(requantising, "_accuracy", lambda model, rows, progress: next(told))
    with pytest.raises(UnusableData, match=r"loses too much: from 0\.9000 to 0\.8949"):
        requantise(before, ROWS, ROWS, out=tmp_path / "worse", progress=quiet)
    monkeypatch.setattr(evening, "LARGEST_ERROR", 0.0)
    with pytest.raises(UnusableData, match="nothing in this package"):
        requantise(before, ROWS, ROWS, out=tmp_path / "worse", progress=quiet)
    assert [path.name for path in tmp_path.iterdir()] == ["after"]


def test_from_the_command_line(command: Command, before: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("text,label\n" + "".join(f"{row.text},{row.labels['intent']}\n" for row in ROWS), encoding="utf-8")
    words = ["train", "quantisation", "--data", rows, "--validation", rows, "--model", before]
    status, output, _ = command(*words, "--out", tmp_path / "after", "--json")
    manifest = json.loads((tmp_path / "after" / "manifest.json").read_bytes())
    assert (status, json.loads(output)["version"]) == (0, manifest["version"])
    status, _, error = command(*words, "--out", tmp_path / "after")
    assert (status, error.splitlines()[-1]) == (2, f"kuajie: {tmp_path / 'after'} is there already")
    words[-1] = tmp_path / "after"
    status, _, error = command(*words, "--out", tmp_path / "again")
    assert status == 2
    assert error.splitlines()[-1].startswith("kuajie: nothing in this package can be computed faster")
