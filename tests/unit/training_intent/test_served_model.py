"""From rows to a package, and the package at work in the service's own code."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import onnxruntime as ort
import orjson
import pytest

from services.intent.model import ModelRefused
from services.intent.trained.accelerator import Accelerator
from services.intent.trained.buckets import Bucket
from services.intent.trained.package import read_package
from services.intent.trained.provider import CPU, Runtime, Wanted
from services.intent.trained.tokens import cut, open_tokenizer
from services.intent.trained.transformer import OnnxModel, padded
from tests.unit.training_intent.conftest import ON_CPU, rounding
from training.intent.config import TrainConfig
from training.intent.making import Made, make_model
from training.intent.rows import Row


@pytest.fixture(scope="module")
def made_for_gpus(
    tiny_base: Path, tiny_rows: list[Row], tiny_config: TrainConfig, tmp_path_factory: pytest.TempPathFactory
) -> Made:
    config, out = replace(tiny_config, float16=True), tmp_path_factory.mktemp("made_for_gpus")
    return make_model(tiny_rows, base=tiny_base, out=out, config=config, progress=lambda name, share: None)


@pytest.fixture(scope="module")
def without_strangers(
    tiny_base: Path, tiny_rows: list[Row], tiny_config: TrainConfig, tmp_path_factory: pytest.TempPathFactory
) -> Made:
    """Trained without a text that is out of scope, and none to choose by."""
    known = [row for row in tiny_rows if row.labels["intent"] != "out_of_scope"]
    out, config = tmp_path_factory.mktemp("without_strangers"), replace(tiny_config, float16=True)
    return make_model(known, base=tiny_base, out=out, config=config, progress=lambda name, share: None)


@pytest.fixture
def package(made: Made, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(made.folder / "package", tmp_path / "package"))


def test_a_run_leaves_a_report_a_page_and_a_package(made: Made) -> None:
    report = json.loads((made.folder / "report.json").read_bytes())
    assert report["parity"] < rounding(made.folder)
    assert report["validation"]["intent"]["accuracy"] > 0.9
    assert sum(map(sum, report["validation"]["intent"]["confusion"])) == report["validation"]["intent"]["rows"]
    assert report["validation"]["intent"]["classes"] == sorted(report["validation"]["intent"]["by_class"])
    assert report["files"]["float32"] == {"largest_difference": report["parity"], "same_label": 1.0}
    assert report["files"]["int8"]["same_label"] > 0.9
    assert (made.folder / "report.html").read_text().count("data:image/png") == 1 + len(report["validation"])
    assert {path.name for path in (made.folder / "package").iterdir()} == {
        "model.onnx",
        "tokenizer.json",
        "model.json",
        "README.md",
        "manifest.json",
    }


class OnDevice:
    """The CPU under the name of a GPU: its memory is the CPU's, and it can be pulled out."""

    def __init__(self, path: str, options: object, providers: list[object]) -> None:
        self.path = path
        self.gone = False
        self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def get_providers(self) -> list[str]:
        return ["CUDAExecutionProvider", CPU]

    def get_outputs(self) -> list[object]:
        return list(self._session.get_outputs())

    def io_binding(self) -> object:
        return self._session.io_binding()

    def run_with_iobinding(self, binding: object, options: object) -> None:
        if self.gone:
            raise RuntimeError("CUDA failure 719: unspecified launch failure")
        self._session.run_with_iobinding(binding, options)


@pytest.fixture
def gpu_model(made_for_gpus: Made) -> OnnxModel:
    """The package with a file for GPUs, open on what looks like one."""
    runtime = Runtime(["CUDAExecutionProvider", CPU], ["onnxruntime-gpu"], OnDevice)
    wanted = Wanted("require", "CUDAExecutionProvider", 1, Accelerator(buckets=(Bucket(2, 16), Bucket(4, 48))))
    return OnnxModel(made_for_gpus.folder / "package", wanted, runtime=runtime, memory="cpu")


def test_a_gpu_opens_the_file_in_float16_and_says_the_same(made_for_gpus: Made, gpu_model: OnnxModel) -> None:
    texts = ["买课 aa3", "退钱 b4", "zzz qqq c5", "你好", "a"]
    assert Path(gpu_model.session.session.path).name == "model.fp16.onnx"
    assert gpu_model.appetite.token_budget == 16_384
    on_cpu = OnnxModel(made_for_gpus.folder / "package", ON_CPU)
    ours, theirs = (model.decode(model.run(model.encode(texts))) for model in (gpu_model, on_cpu))
    assert [each.label for each in ours] == [each.label for each in theirs]
    raw = gpu_model.raw(gpu_model.run_raw(gpu_model.encode(texts)))
    assert raw[4]["embedding"].shape == (32,)


def test_a_lost_device_is_told_and_a_single_failure_is_not(gpu_model: OnnxModel) -> None:
    batch = gpu_model.encode(["买课"])
    gpu_model.run(batch)
    assert gpu_model.trouble() is None
    with pytest.raises(KeyError):
        gpu_model._run(batch, ["no such output"])
    assert gpu_model.trouble() is None
    gpu_model.session.session.gone = True
    with pytest.raises(RuntimeError, match="CUDA failure 719"):
        gpu_model.run(batch)
    assert gpu_model.trouble() == "device_lost: CUDAExecutionProvider computes no more"


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


def rewrite(package: Path, *, without: str = "", **changes: object) -> None:
    """Another description, with the checksum that belongs to it."""
    import hashlib

    description = orjson.loads((package / "model.json").read_bytes()) | changes
    description.pop(without, None)
    (package / "model.json").write_bytes(orjson.dumps(description))
    manifest = orjson.loads((package / "manifest.json").read_bytes())
    manifest["files"]["model.json"] = hashlib.sha256((package / "model.json").read_bytes()).hexdigest()
    (package / "manifest.json").write_bytes(orjson.dumps(manifest))


def test_a_format_of_the_future_is_refused(package: Path) -> None:
    rewrite(package, format=3)
    with pytest.raises(ModelRefused, match="format 3"):
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


def test_scope_is_judged_by_the_distance_in_the_graph(without_strangers: Made, tmp_path: Path) -> None:
    package = Path(shutil.copytree(without_strangers.folder / "package", tmp_path / "package"))
    model = OnnxModel(package, ON_CPU)
    assert without_strangers.report["scope"] == {"taken": "distance", "auroc": {}}
    assert model.raw_outputs == {
        "intent_logits": 2,
        "sentiment_logits": 2,
        "purchase_logits": 2,
        "scope_distance": 1,
        "embedding": 32,
    }
    texts = ["买课 aa3", "退钱 b4", "0123 0123 4567"]
    outcome = model.run(model.encode(texts))
    assert outcome.distance is not None and outcome.distance.shape == (3, 1)
    assert model.scope_scores(outcome).tolist() == (-outcome.distance[:, 0]).tolist()
    assert "scope_distance" in model.raw(model.run_raw(model.encode(texts)))[0]
    least, middle, most = sorted(model.scope_scores(outcome).tolist())
    rewrite(package, scope_threshold=(least + middle) / 2)
    answers = OnnxModel(package, ON_CPU).decode(outcome)
    assert [each.in_scope for each in answers] == [score > least for score in model.scope_scores(outcome).tolist()]
    assert most > middle > least


def test_a_distance_that_the_graph_does_not_have_is_refused(package: Path) -> None:
    rewrite(package, scope="distance")
    with pytest.raises(ModelRefused, match="has no output scope_distance"):
        OnnxModel(package, ON_CPU)


def test_a_package_of_the_first_format_is_judged_by_energy(package: Path) -> None:
    described = orjson.loads((package / "model.json").read_bytes())
    assert (described["format"], described["scope"]) == (2, "energy")
    rewrite(package, format=1, without="scope")
    assert read_package(package).description.scope == "energy"


def test_a_cut_text_keeps_what_closes_it(made: Made) -> None:
    tokenizer = open_tokenizer(read_package(made.folder / "package"))
    [whole] = tokenizer.encode_batch_fast(["abcdef"])
    tokenizer.enable_truncation(5)
    [theirs] = tokenizer.encode_batch_fast(["abcdef"])
    assert list(cut(whole, 5)) == theirs.ids
    assert list(cut(whole, 8)) == list(cut(whole, 100)) == whole.ids
