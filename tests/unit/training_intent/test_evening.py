"""Activations that are evened out give the same product in float, and a better one in int8 where a column is large."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from services.intent.trained.confidence import Floats
from tests.unit.training_intent.wide import wide_encoder
from training.intent.evening import SAMPLE, Look, even_out, evened_name, fitting, looks_at
from training.intent.export import export_onnx
from training.intent.network import IntentNetwork
from training.intent.quantise import SECOND_HALVES, to_int8

WIDTH, OUT = 256, 64


def with_an_outlier(*, large: float) -> tuple[Floats, Floats]:
    """Activations (tokens, width) of which one column is `large` times the others, and a matrix (width, out)."""
    random = np.random.default_rng(4)
    sample = random.normal(size=(300, WIDTH)).astype(np.float32)
    matrix = random.normal(size=(WIDTH, OUT)).astype(np.float32)
    sample[:, 7] *= large
    matrix[7] /= large
    return sample, matrix


def look(sample: Floats) -> Look:
    return Look(np.abs(sample).max(axis=0), sample)


def product(matrix: Floats) -> onnx.ModelProto:
    node = helper.make_node("MatMul", ["given", "weight"], ["product"], name="product")
    widths = {"given": WIDTH, "product": OUT}
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", width]) for name, width in widths.items()]
    graph = helper.make_graph([node], "product", ends[:1], ends[1:], [numpy_helper.from_array(matrix, "weight")])
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def computed(model: onnx.ModelProto | Path, given: Floats) -> Floats:
    source = str(model) if isinstance(model, Path) else model.SerializeToString()
    return np.asarray(ort.InferenceSession(source, providers=["CPUExecutionProvider"]).run(None, {"given": given})[0])


def test_in_float_it_is_the_same_product() -> None:
    sample, matrix = with_an_outlier(large=50)
    factors = fitting(matrix, look(sample))
    assert factors is not None
    model = product(matrix)
    even_out(model.graph, model.graph.node[0], factors)
    onnx.checker.check_model(model)
    assert evened_name("weight") in {each.name for each in model.graph.initializer}
    np.testing.assert_allclose(computed(model, sample), sample @ matrix, rtol=1e-3, atol=1e-3)


def test_in_int8_an_outlier_spoils_the_others_no_longer(tmp_path: Path) -> None:
    sample, matrix = with_an_outlier(large=50)
    factors = fitting(matrix, look(sample))
    assert factors is not None
    plain, evened = product(matrix), product(matrix)
    even_out(evened.graph, evened.graph.node[0], factors)
    errors = []
    for name, model in (("plain", plain), ("evened", evened)):
        to_int8(model, tmp_path / name)
        errors.append(float(((computed(tmp_path / name, sample) - sample @ matrix) ** 2).mean()))
    assert errors[1] < errors[0] / 20


@pytest.mark.parametrize("texts", [1, 200])
def test_a_look_takes_the_peaks_of_all_and_some_of_the_rows(texts: int, tmp_path: Path) -> None:
    export_onnx(IntentNetwork(wide_encoder(), {"intent": 5}, dropout=0.0), tmp_path / "model.onnx")
    random = np.random.default_rng(6)
    tokens = [[0, *random.integers(4, 64, 8).tolist(), 2] for _ in range(texts)]
    looks = looks_at(tmp_path / "model.onnx", SECOND_HALVES, tokens, 1)
    assert len(looks) == 2
    for each in looks.values():
        assert each.peaks.shape == (WIDTH,)
        assert 0 < len(each.sample) <= SAMPLE
        assert (each.peaks >= np.abs(each.sample).max(axis=0)).all()
