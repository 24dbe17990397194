"""Products in blocks are nearly what they are in float, outliers or not."""

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from training.intent.blocks import blocked, can_block, multiply_in_blocks, unblocked


def product_of(matrix: np.ndarray) -> onnx.ModelProto:
    rows, columns = matrix.shape
    given = helper.make_tensor_value_info("given", TensorProto.FLOAT, ["batch", rows])
    found = helper.make_tensor_value_info("found", TensorProto.FLOAT, ["batch", columns])
    node = helper.make_node("MatMul", ["given", "weight"], ["found"], name="found")
    body = helper.make_graph([node], "product", [given], [found], [numpy_helper.from_array(matrix, "weight")])
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(body, opset_imports=opsets, ir_version=10)


def test_an_outlier_spoils_its_block_alone() -> None:
    random = np.random.default_rng(1)
    matrix = random.normal(size=(256, 64)).astype(np.float32)
    given = random.normal(size=(5, 256)).astype(np.float32)
    given[:, 200] = 300.0
    model = product_of(matrix)
    multiply_in_blocks(model.graph, model.graph.node[0])
    assert [node.op_type for node in model.graph.node] == ["MatMulNBits"]
    found = ort.InferenceSession(model.SerializeToString()).run(None, {"given": given})[0]
    step = 300.0 / 127
    one_scale = np.rint(given / step) * step
    assert np.abs(found - given @ matrix).mean() < 0.8 * np.abs((one_scale - given) @ matrix).mean()


def test_the_weights_come_back_within_half_a_step() -> None:
    matrix = np.random.default_rng(2).normal(size=(256, 8)).astype(np.float32)
    values, scales = blocked(matrix)
    assert values.shape == (8, 2, 128)
    apart = np.abs(unblocked(values, scales) - matrix).T.reshape(8, 2, 128)
    assert (apart <= scales[:, :, None] / 2 + 1e-7).all()


def test_a_matrix_without_whole_blocks_is_left_alone() -> None:
    model = product_of(np.zeros((100, 8), dtype=np.float32))
    assert not can_block(model.graph, model.graph.node[0])
