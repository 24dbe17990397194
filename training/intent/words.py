"""The table of word embeddings as the shipped file holds it: most of a small encoder's weights, so most of its size.

Words that a training text speaks were trained and keep eight bits with a scale a row. All others are as the base has them: where the
base was published in four bits (blocks of 32 with a scale each), four bits give them back exactly; elsewhere they keep eight bits too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

WORDS = "word_embeddings"
BLOCK = 32
EXACT = 0.001
"""The largest difference, relative to the largest value of a block, at which four bits count as the base's own."""


@dataclass(frozen=True, slots=True)
class FourBits:
    """`values` of shape (rows, width), whole numbers from -8 to 7; `scales` of shape (rows, width / 32)."""

    values: NDArray[np.int8]
    scales: NDArray[np.float32]


def scaled(table: NDArray[Any], *, axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Symmetric int8, and what to multiply it by: one scale for each row (axis 1) or column (axis 0)."""
    scales = np.maximum(np.abs(table).max(axis=axis, keepdims=True), 1e-12) / 127
    return np.rint(table / scales).astype(np.int8), scales.astype(np.float32)


def four_bits(table: NDArray[Any]) -> FourBits | None:
    """The table in four bits when that is exact; None when it is not.

    The value of largest size in a block stands for -8, as `MatMulNBits` and the formats around it write symmetric blocks.
    """
    if table.shape[1] % BLOCK:
        return None
    blocks = table.astype(np.float32).reshape(len(table), -1, BLOCK)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=2)[:, :, None], axis=2)
    scales = np.where(largest == 0, np.float32(1), largest / -8).astype(np.float32)
    values = np.clip(np.rint(blocks / scales), -8, 7)
    if np.abs(values * scales - blocks).max(initial=0.0) > EXACT * np.abs(largest).max(initial=0.0):
        return None
    return FourBits(values.astype(np.int8).reshape(table.shape), scales[:, :, 0])


def shrink_words(graph: onnx.GraphProto, spoken: Sequence[int]) -> None:
    """Replace the float table of `graph` by the smallest one that keeps it; `spoken` are the ids of trained words."""
    weights = next(each for each in graph.initializer if each.name == WORDS)
    table = numpy_helper.to_array(weights)
    gather = next(node for node in graph.node if node.op_type == "Gather" and node.input[0] == WORDS)
    base = table.copy()
    base[list(spoken)] = 0
    kept = four_bits(base)
    graph.initializer.remove(weights)
    place = list(graph.node).index(gather)
    graph.node.remove(gather)
    nodes = _rows(graph, table, gather) if kept is None else _mixed(graph, table[list(spoken)], spoken, kept, gather)
    for offset, node in enumerate(nodes):
        graph.node.insert(place + offset, node)


def _rows(graph: onnx.GraphProto, table: NDArray[Any], gather: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Every word in eight bits: Gather → Cast → Mul by the gathered scale."""
    _weight(graph, WORDS, *scaled(table, axis=1))
    return _unscaled(WORDS, gather.input[1], gather.output[0])


def _mixed(
    graph: onnx.GraphProto, trained: NDArray[Any], spoken: Sequence[int], kept: FourBits, gather: onnx.NodeProto
) -> list[onnx.NodeProto]:
    """Spoken words from their own rows of eight bits, the others from the table of four; row 0 of the former stands for none."""
    _weight(graph, WORDS, *scaled(np.vstack([np.zeros((1, trained.shape[1])), trained]), axis=1))
    slots = np.zeros(len(kept.values), dtype=np.int32)
    slots[list(spoken)] = np.arange(1, len(spoken) + 1)
    data = helper.make_tensor(
        f"{WORDS}_base", TensorProto.INT4, kept.values.shape, _packed(kept.values).tobytes(), raw=True
    )
    graph.initializer.append(data)
    for name, values in (("base_scale", kept.scales), ("slots", slots), ("none", np.array(0, dtype=np.int32))):
        graph.initializer.append(numpy_helper.from_array(values, f"{WORDS}_{name}"))
    graph.initializer.append(numpy_helper.from_array(np.array([2], dtype=np.int64), f"{WORDS}_axis"))
    ids, found = gather.input[1], gather.output[0]
    return [
        helper.make_node("Gather", [f"{WORDS}_slots", ids], ["words_slot"], name="words_slot"),
        *_unscaled(WORDS, "words_slot", "words_spoken"),
        helper.make_node(
            "GatherBlockQuantized",
            [f"{WORDS}_base", ids, f"{WORDS}_base_scale"],
            ["words_base"],
            name="words_base",
            domain="com.microsoft",
            block_size=BLOCK,
            gather_axis=0,
            quantize_axis=1,
        ),
        helper.make_node("Greater", ["words_slot", f"{WORDS}_none"], ["words_trained"], name="words_trained"),
        helper.make_node("Unsqueeze", ["words_trained", f"{WORDS}_axis"], ["words_which"], name="words_which"),
        helper.make_node("Where", ["words_which", "words_spoken", "words_base"], [found], name=found),
    ]


def _weight(graph: onnx.GraphProto, name: str, values: NDArray[np.int8], scales: NDArray[np.float32]) -> None:
    graph.initializer.extend([numpy_helper.from_array(values, name), numpy_helper.from_array(scales, f"{name}_scale")])


def _unscaled(table: str, ids: str, found: str) -> list[onnx.NodeProto]:
    whole, scale = f"{found}_unscaled", f"{found}_scale"
    return [
        helper.make_node("Gather", [table, ids], [f"{found}_int8"], name=f"{found}_int8"),
        helper.make_node("Cast", [f"{found}_int8"], [whole], name=whole, to=TensorProto.FLOAT),
        helper.make_node("Gather", [f"{table}_scale", ids], [scale], name=scale),
        helper.make_node("Mul", [whole, scale], [found], name=found),
    ]


def _packed(values: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Two numbers of four bits a byte, the first in the lower half (ONNX, int4)."""
    flat = (values.reshape(-1) & 0xF).astype(np.uint8)
    return (flat[0::2] | (flat[1::2] << 4)).astype(np.uint8)
