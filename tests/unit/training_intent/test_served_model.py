"""From rows to a package, and the package at work in the service's own code."""

import json
from pathlib import Path

import numpy as np
import orjson
import pytest

from services.intent.model import ModelRefused
from services.intent.trained.package import read_package
from services.intent.trained.provider import CPU, Wanted, open_session
from services.intent.trained.transformer import OnnxModel, padded
from training.intent.config import TrainConfig
from training.intent.judging import judge
from training.intent.making import Made, make_model
from training.intent.rows import Row

ON_CPU = Wanted("cpu", "CUDAExecutionProvider", 1)


@pytest.fixture(scope="module")
def made(
    tiny_base: Path, tiny_rows: list[Row], tiny_config: TrainConfig, tmp_path_factory: pytest.TempPathFactory
) -> Made:
    out = tmp_path_factory.mktemp("made")
    return make_model(tiny_rows, base=tiny_base, out=out, config=tiny_config, progress=lambda name, share: None)


@pytest.fixture
def package(made: Made, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    folder = tmp_path / "package"
    folder.mkdir()
    for path in (made.folder / "package").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_a_run_leaves_a_report_a_page_and_a_package(made: Made) -> None:
    report = json.loads((made.folder / "report.json").read_bytes())
    assert report["parity"] < 1e-5
    assert report["validation"]["intent"]["accuracy"] > 0.9
    assert sum(map(sum, report["validation"]["intent"]["confusion"])) == report["validation"]["intent"]["rows"]
    assert (made.folder / "report.html").read_text().count("data:image/png") == 4
    assert {path.name for path in (made.folder / "package").iterdir()} == {
        "model.onnx",
        "tokenizer.json",
        "model.json",
        "README.md",
        "manifest.json",
    }


def test_the_served_model_understands(made: Made) -> None:
    model = OnnxModel(made.folder / "package", ON_CPU)
    answers = model.decode(model.run(model.encode(["买课 aa3", "退钱 b4", "zzz qqq c5"])))
    assert [each.label for each in answers] == ["content.buy", "content.refund", "out_of_scope"]
    assert [each.in_scope for each in answers] == [True, True, False]
    assert [each.sentiment for each in answers[:2]] == ["positive", "negative"]
    assert answers[0].purchase > 0.5 > answers[1].purchase
    assert all(0.0 <= each.confidence <= 1.0 for each in answers)


def test_long_texts_are_cut_and_blanks_are_read_as_in_training(made: Made) -> None:
    model = OnnxModel(made.folder / "package", ON_CPU)
    [long, wide, narrow] = model.encode(["买" * 2000, "ＡＢ　　c", "AB c"])
    assert long.tokens == 48
    assert wide.ids == narrow.ids


def test_padding() -> None:
    ids, mask = padded([(0, 7, 2), (0, 2)], 1)
    assert ids.tolist() == [[0, 7, 2], [0, 2, 1]]
    assert mask.tolist() == [[1, 1, 1], [1, 1, 0]]


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "model.json", "README.md"])
def test_a_changed_file_is_refused_by_name(package: Path, name: str) -> None:
    raw = bytearray((package / name).read_bytes())
    raw[len(raw) // 2] ^= 1
    (package / name).write_bytes(raw)
    with pytest.raises(ModelRefused, match=f"damaged.*checksum of {name}"):
        OnnxModel(package, ON_CPU)


def test_a_missing_file_is_refused(package: Path) -> None:
    (package / "tokenizer.json").unlink()
    with pytest.raises(ModelRefused, match="damaged"):
        read_package(package)


def rewrite(package: Path, **changes: object) -> None:
    """Another description, with the checksum that belongs to it."""
    import hashlib

    description = orjson.loads((package / "model.json").read_bytes()) | changes
    (package / "model.json").write_bytes(orjson.dumps(description))
    manifest = orjson.loads((package / "manifest.json").read_bytes())
    manifest["files"]["model.json"] = hashlib.sha256((package / "model.json").read_bytes()).hexdigest()
    (package / "manifest.json").write_bytes(orjson.dumps(manifest))


def test_a_format_of_the_future_is_refused(package: Path) -> None:
    rewrite(package, format=2)
    with pytest.raises(ModelRefused, match="format 2"):
        read_package(package)


def test_sentiments_without_a_word_in_the_answer_are_refused(package: Path) -> None:
    rewrite(package, classes={"intent": ["a", "b", "c"], "sentiment": ["angry", "calm"]})
    with pytest.raises(ModelRefused, match="sentiments other than"):
        OnnxModel(package, ON_CPU)


def test_without_a_threshold_everything_but_the_class_is_in_scope(package: Path) -> None:
    rewrite(package, scope_threshold=None)
    model = OnnxModel(package, ON_CPU)
    answers = model.decode(model.run(model.encode(["买课 a1", "zzz qqq c5"])))
    assert [each.in_scope for each in answers] == [True, False]


def test_a_missing_accelerator_is_refused_when_it_is_required(made: Made) -> None:
    wanted = Wanted("require", "CUDAExecutionProvider", 1)
    with pytest.raises(ModelRefused, match="CUDAExecutionProvider is required, this onnxruntime has"):
        open_session(made.folder / "model.onnx", wanted, available=["CPUExecutionProvider"])


class FallenBack:
    """A session that was told one provider and runs on another, as onnxruntime does when a driver is missing."""

    def __init__(self, path: str, options: object, providers: list[str]) -> None:
        self.told = providers

    def get_providers(self) -> list[str]:
        return [CPU]


def test_a_session_that_fell_back_is_seen(made: Made) -> None:
    both = ["CUDAExecutionProvider", CPU]
    path = made.folder / "model.onnx"
    with pytest.raises(ModelRefused, match="fell back to CPUExecutionProvider"):
        open_session(path, Wanted("require", both[0], 1), available=both, open_with=FallenBack)
    preferred = open_session(path, Wanted("prefer", both[0], 1), available=both, open_with=FallenBack)
    assert (preferred.asked, preferred.runs_on, preferred.session.told) == (both[0], CPU, both)


def test_the_policy_cpu_never_asks_for_more(made: Made) -> None:
    both = ["CUDAExecutionProvider", CPU]
    session = open_session(made.folder / "model.onnx", ON_CPU, available=both, open_with=FallenBack)
    assert (session.asked, session.session.told) == (CPU, [CPU])


def test_a_package_is_judged_by_language_and_against_strangers(made: Made, tiny_rows: list[Row]) -> None:
    strangers = ["0123 0123 4567"]
    result = judge(made.folder / "package", tiny_rows, unknown=strangers)
    assert result["rows"] == 90
    assert result["tasks"]["intent"]["accuracy"] > 0.9
    assert result["purchase_auc"] > 0.9
    assert 0.9 < result["scope_auroc"] <= 1.0
    assert result["by_language"]["zh"]["tasks"]["intent"]["rows"] == 60
    assert result["by_language"]["en"]["tasks"]["intent"]["confusion"][2][2] == 30


def test_judging_knows_which_logits_belong_to_which_row(made: Made, tiny_rows: list[Row]) -> None:
    mixed = [tiny_rows[place] for place in np.random.default_rng(0).permutation(len(tiny_rows))]
    one, other = (judge(made.folder / "package", rows) for rows in (tiny_rows, mixed))
    assert one["tasks"]["intent"]["confusion"] == other["tasks"]["intent"]["confusion"]
