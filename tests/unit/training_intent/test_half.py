"""float16 says what float32 says, stays fused, and keeps its inputs and outputs. On the CPU: GPUs have kernels of their own."""

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import TensorProto, numpy_helper

from training.intent.export import export_onnx
from training.intent.half import NotHalvable, halve
from training.intent.network import IntentNetwork, load_encoder


@pytest.fixture(scope="module")
def files(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same network in float32 and in float16."""
    torch.manual_seed(1)
    encoder, _ = load_encoder(tiny_base, None)
    folder = tmp_path_factory.mktemp("half")
    export_onnx(IntentNetwork(encoder, {"intent": 5, "sentiment": 3}, dropout=0.0), folder / "model.onnx")
    halve(folder / "model.onnx", folder / "model.fp16.onnx")
    return folder / "model.onnx", folder / "model.fp16.onnx"


def outputs(path: Path, ids: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(names, {"input_ids": ids, "attention_mask": mask}), strict=True))


@pytest.mark.parametrize(("rows", "length"), [(1, 1), (1, 2), (3, 7), (17, 33), (2, 128), (64, 5)])
def test_parity_on_odd_shapes_and_mixed_lengths(files: tuple[Path, Path], rows: int, length: int) -> None:
    random = np.random.default_rng(rows * 1000 + length)
    lengths = random.integers(1, length + 1, (rows, 1))
    mask = (np.arange(length)[None, :] < lengths).astype(np.int64)
    ids = np.where(mask == 1, random.integers(4, 50, (rows, length)), 1)
    whole, half = (outputs(path, ids, mask) for path in files)
    assert whole.keys() == half.keys() == {"intent_logits", "sentiment_logits", "embedding"}
    for name, values in whole.items():
        assert half[name].dtype == np.float32
        np.testing.assert_allclose(half[name], values, atol=4e-3)


def test_an_empty_text_is_its_two_ends(files: tuple[Path, Path]) -> None:
    whole, half = (outputs(path, np.array([[0, 2]]), np.ones((1, 2), dtype=np.int64)) for path in files)
    np.testing.assert_allclose(half["intent_logits"], whole["intent_logits"], atol=4e-3)


def test_the_graph_stays_fused_and_its_doors_stay_as_they_are(files: tuple[Path, Path]) -> None:
    whole, half = (onnx.load(str(path)).graph for path in files)
    fused = {"Attention", "SkipLayerNormalization", "BiasGelu", "MatMul"}
    before, after = (Counter(node.op_type for node in graph.node) for graph in (whole, half))
    assert {name: after[name] for name in fused} == {name: before[name] for name in fused}
    assert {name: after[name] for name in fused} == {
        "Attention": 2,
        "SkipLayerNormalization": 5,
        "BiasGelu": 2,
        "MatMul": 6,
    }
    assert (half.input, half.output) == (whole.input, whole.output)
    assert sum(node.op_type == "Cast" and node.attribute[0].i == TensorProto.FLOAT for node in half.node) == 2


def test_what_is_small_and_delicate_stays_float32(files: tuple[Path, Path]) -> None:
    kinds = {each.name: each.data_type for each in onnx.load(str(files[1])).graph.initializer}
    assert {kinds[name] for name in ("intent_weight", "intent_bias", "one")} == {TensorProto.FLOAT}
    heavy = {name for name, kind in kinds.items() if kind == TensorProto.FLOAT16}
    assert {"word_embeddings", "position_embeddings", "layer0_qkv", "layer1_outer_weight", "embed_gamma"} <= heavy
    assert files[1].stat().st_size < 0.75 * files[0].stat().st_size


def test_the_file_is_valid_onnx(files: tuple[Path, Path]) -> None:
    onnx.checker.check_model(onnx.load(str(files[1])))


def test_a_weight_that_float16_cannot_hold_is_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    model = onnx.load(str(files[0]))
    weight = next(each for each in model.graph.initializer if each.name == "layer0_qkv")
    values = numpy_helper.to_array(weight).copy()
    values[0, 0] = 70_000.0
    weight.CopyFrom(numpy_helper.from_array(values, weight.name))
    onnx.save(model, str(tmp_path / "large.onnx"))
    with pytest.raises(NotHalvable, match="layer0_qkv has weights beyond 65504"):
        halve(tmp_path / "large.onnx", tmp_path / "half.onnx")
    assert not (tmp_path / "half.onnx").exists()
