"""A graph computes the same with its normalised sums taken apart, and is left as it is where that is slower or can't be done."""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from services.intent.trained import norms
from services.intent.trained.norms import apart, open_suited, several_are_faster
from services.intent.trained.provider import Files, open_session
from tests.unit.training_intent.conftest import ON_CPU
from training.intent.export import export_onnx
from training.intent.network import IntentNetwork, load_encoder

WIDTH = 8


@pytest.fixture(scope="module")
def exported(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(3)
    encoder, _ = load_encoder(tiny_base, None)
    path = tmp_path_factory.mktemp("norms") / "model.onnx"
    export_onnx(IntentNetwork(encoder, {"intent": 5}, dropout=0.0).eval(), path)
    return path


@pytest.fixture
def decided() -> Iterator[None]:
    """What was decided in this process is forgotten before and after."""
    several_are_faster.cache_clear()
    yield
    several_are_faster.cache_clear()


def computed(model: bytes, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
    session = ort.InferenceSession(
        model, providers=["CPUExecutionProvider"], disabled_optimizers=["SkipLayerNormFusion"]
    )
    return [np.asarray(each) for each in session.run(None, feeds)]


def in_pieces(model: bytes) -> bytes:
    """The model taken apart, which must be possible."""
    pieces = apart(model)
    assert pieces is not None
    return b"".join(pieces)


def alone(
    takes: list[str],
    *,
    gives: tuple[str, ...] = ("normal",),
    opset: int = 21,
    domain: str = norms.CONTRIBUTED,
    **attributes: float,
) -> bytes:
    """A model of one such operator; of its inputs only the first is none of the graph's constants."""
    node = helper.make_node(norms.FUSED, takes, list(gives), name="normal", domain=domain, **attributes)
    random = np.random.default_rng(1)
    shapes = {takes[1]: (1, 3, WIDTH)}
    weights = [
        numpy_helper.from_array(random.normal(size=shapes.get(name, (WIDTH,))).astype(np.float32), name)
        for name in takes[1:]
        if name
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in gives if name]
    given = helper.make_tensor_value_info("given", TensorProto.FLOAT, ["rows", 3, WIDTH])
    opsets = [helper.make_opsetid("com.microsoft", 1), helper.make_opsetid("", opset)]
    graph = helper.make_graph([node], "alone", [given], ends, weights)
    return helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()


@pytest.mark.parametrize(("rows", "length"), [(1, 1), (3, 7), (17, 33)])
def test_a_graph_taken_apart_computes_the_same(exported: Path, rows: int, length: int) -> None:
    fused = exported.read_bytes()
    several = in_pieces(fused)
    random = np.random.default_rng(rows)
    lengths = random.integers(1, length + 1, (rows, 1))
    mask = (np.arange(length)[None, :] < lengths).astype(np.int64)
    feeds = {"input_ids": random.integers(4, 50, (rows, length)), "attention_mask": mask}
    for ours, theirs in zip(computed(several, feeds), computed(fused, feeds), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-6)


def test_nothing_else_of_it_changes(exported: Path) -> None:
    before = onnx.load(str(exported))
    after = onnx.load_from_string(in_pieces(exported.read_bytes()))
    onnx.checker.check_model(after)
    kept = [
        node
        for node in after.graph.node
        if node.op_type != "LayerNormalization" and not node.name.endswith(("_biased", "_sum"))
    ]
    assert kept == [node for node in before.graph.node if node.op_type != norms.FUSED]
    norms_before = [node for node in before.graph.node if node.op_type == norms.FUSED]
    norms_after = [node for node in after.graph.node if node.op_type == "LayerNormalization"]
    assert [node.output for node in norms_after] == [node.output for node in norms_before]
    assert [node.attribute for node in norms_after] == [node.attribute for node in norms_before]
    for model in (before, after):
        del model.graph.node[:]
    assert after == before


@pytest.mark.parametrize(
    "takes",
    [["given", "skip", "gamma", "beta", "bias"], ["given", "skip", "gamma", "beta"], ["given", "skip", "gamma", ""]],
)
def test_a_bias_and_a_shift_may_be_missing(takes: list[str]) -> None:
    fused = alone(takes, epsilon=1e-3)
    several = in_pieces(fused)
    assert norms.FUSED not in {node.op_type for node in onnx.load_from_string(several).graph.node}
    given = np.random.default_rng(2).normal(size=(4, 3, WIDTH)).astype(np.float32)
    np.testing.assert_allclose(computed(several, {"given": given})[0], computed(fused, {"given": given})[0], atol=2e-6)


@pytest.mark.parametrize(
    "model",
    [
        alone(["given", "skip", "gamma", "beta"]),
        alone(["given", "skip", "gamma", "beta"], gives=("normal", "", "", "sum"), epsilon=1e-3),
        alone(["given", "skip", "gamma", "beta"], opset=16, epsilon=1e-3),
        alone(["given", "skip", "gamma", "beta"], domain="somebody.else", epsilon=1e-3),
        alone(["given", "skip", "gamma", "beta"], epsilon=1e-3)[:-3],
        b"",
        b"no model at all",
        b"\x3a\xff\xff\xff\xff\x0f",
    ],
    ids=["no epsilon", "sum asked for", "old opset", "other operator", "cut off", "empty", "text", "length of 4 GiB"],
)
def test_what_cannot_be_taken_apart_stays(model: bytes) -> None:
    assert apart(model) is None


def takes_seconds(one: float, several: float) -> Callable[[bytes], Callable[[], float]]:
    return lambda model: lambda: several if b"LayerNormalization" in model.replace(norms.FUSED.encode(), b"") else one


def opened(file: Path) -> tuple[bytes, list[str]]:
    """The bytes that are opened for a file, and what is left out."""
    found: tuple[bytes, list[str]] = open_suited(file, lambda path, disabled: (Path(path).read_bytes(), disabled))
    return found


@pytest.mark.usefixtures("decided")
@pytest.mark.parametrize(("one", "several", "split"), [(5.0, 1.0, True), (1.0, 5.0, False), (1.0, 0.9, False)])
def test_the_faster_form_is_opened(
    exported: Path, monkeypatch: pytest.MonkeyPatch, one: float, several: float, *, split: bool
) -> None:
    monkeypatch.setattr(norms, "_timed", takes_seconds(one, several))
    fused = exported.read_bytes()
    assert opened(exported) == ((in_pieces(fused), list(norms.NOT_AGAIN)) if split else (fused, []))


@pytest.mark.usefixtures("decided")
def test_a_file_with_nothing_to_take_apart_is_opened_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(norms, "_timed", takes_seconds(5.0, 1.0))
    file = tmp_path / "model.onnx"
    file.write_bytes(b"no model at all")
    assert opened(file) == (b"no model at all", [])


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is a temporary file")
@pytest.mark.usefixtures("decided")
def test_without_room_for_another_file_it_is_opened_as_it_is(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(name: str) -> int:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(norms, "_timed", takes_seconds(5.0, 1.0))
    monkeypatch.setattr(os, "memfd_create", full)
    assert opened(exported) == (exported.read_bytes(), [])


@pytest.mark.usefixtures("decided")
def test_what_opens_in_its_own_form_only_is_opened_in_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here a constant has the name that a sum would get."""
    monkeypatch.setattr(norms, "_timed", takes_seconds(5.0, 1.0))
    file = tmp_path / "model.onnx"
    file.write_bytes(alone(["given", "normal_sum", "gamma", "beta"], epsilon=1e-3))
    in_pieces(file.read_bytes())
    session = open_session(Files(file, None), ON_CPU).session
    given = np.ones((1, 3, WIDTH), dtype=np.float32)
    assert session.run(None, {"given": given})[0].shape == given.shape
    file.write_bytes(b"no model at all")
    with pytest.raises(Exception, match="model"):
        open_session(Files(file, None), ON_CPU)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is a temporary file")
@pytest.mark.usefixtures("decided")
def test_nothing_of_it_is_left_open(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(norms, "_timed", takes_seconds(5.0, 1.0))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        open_session(Files(exported, None), ON_CPU)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_this_runtime_can_be_asked() -> None:
    """Both forms of the trial run, take time, and compute the same."""
    one = norms._alone()
    several = in_pieces(one)
    onnx.checker.check_model(onnx.load_from_string(several))
    random = np.random.default_rng(6)
    feeds = {
        name: random.normal(size=(1, norms.ROWS, norms.WIDTH) if name in {"given", "skip"} else norms.WIDTH).astype(
            np.float32
        )
        for name in ("given", "skip", "gamma", "beta", "bias")
    }
    np.testing.assert_allclose(computed(several, feeds)[0], computed(one, feeds)[0], atol=1e-5)
    assert all(norms._timed(model)() > 0 for model in (one, several))
