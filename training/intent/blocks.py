"""Matrices of eight bits in blocks of 128 rows, each with its scale, against activations of eight bits in like blocks (`MatMulNBits`).

One large activation then spoils its block instead of the whole tensor: nearly lossless where dynamic quantisation costs a point.
"""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

OPERATOR = "MatMulNBits"
BITS, BLOCK = 8, 128
INT8_ACTIVATIONS = 4
"""`accuracy_level` of the operator: activations are quantised to eight bits."""


def can_block(graph: onnx.GraphProto, node: onnx.NodeProto) -> bool:
    """Whether the node multiplies by a matrix that fills whole blocks."""
    shape = next((tuple(each.dims) for each in graph.initializer if each.name == node.input[1]), ())
    return node.op_type == "MatMul" and len(shape) == 2 and shape[0] % BLOCK == 0


def multiply_in_blocks(graph: onnx.GraphProto, node: onnx.NodeProto) -> None:
    """Put `MatMulNBits` in the place of a `MatMul` by a constant matrix of shape (in, out)."""
    weight = next(each for each in graph.initializer if each.name == node.input[1])
    matrix = numpy_helper.to_array(weight)
    values, scales = blocked(matrix)
    graph.initializer.remove(weight)
    names = f"{weight.name}_int8", f"{weight.name}_scale"
    graph.initializer.extend([numpy_helper.from_array(values, names[0]), numpy_helper.from_array(scales, names[1])])
    place = list(graph.node).index(node)
    graph.node.remove(node)
    new = helper.make_node(
        OPERATOR,
        [node.input[0], *names],
        list(node.output),
        name=node.name,
        domain="com.microsoft",
        K=matrix.shape[0],
        N=matrix.shape[1],
        bits=BITS,
        block_size=BLOCK,
        accuracy_level=INT8_ACTIVATIONS,
    )
    graph.node.insert(place, new)


def blocked(matrix: NDArray[Any]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Values of shape (out, blocks, 128) around 128, and scales of shape (out, blocks)."""
    blocks = matrix.T.astype(np.float32).reshape(matrix.shape[1], -1, BLOCK)
    scales = np.maximum(np.abs(blocks).max(axis=2), 1e-12) / 127
    values = np.clip(np.rint(blocks / scales[:, :, None]) + 128, 0, 255)
    return values.astype(np.uint8), scales.astype(np.float32)


def unblocked(values: NDArray[np.uint8], scales: NDArray[np.float32]) -> NDArray[np.float32]:
    """What `blocked` was given, in float32 of shape (in, out), within half a step."""
    whole = (values.astype(np.float32) - 128) * scales[:, :, None]
    return np.ascontiguousarray(whole.reshape(len(values), -1).T)
