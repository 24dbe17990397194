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
    others = np.setdiff1d(np.arange(len(table)), spoken)
    kept = four_bits(_after_none(table[others]))
    graph.initializer.remove(weights)
    place = list(graph.node).index(gather)
    graph.node.remove(gather)
    ids, found = gather.input[1], gather.output[0]
    if kept is None:
        nodes = _eight_bits(graph, table, ids, found)
    else:
        slots = np.zeros(len(table), dtype=np.int32)
        slots[list(spoken)] = np.arange(1, len(spoken) + 1)
        slots[others] = -np.arange(1, len(others) + 1)
        trained = _eight_bits(graph, _after_none(table[list(spoken)]), "words_row", "words_trained")
        nodes = _either(
            graph, slots, [*trained, *_four_bits(graph, kept, "words_other_row", "words_other")], ids, found
        )
    for offset, node in enumerate(nodes):
        graph.node.insert(place + offset, node)


def words_of(graph: onnx.GraphProto) -> tuple[NDArray[np.float32], list[int]]:
    """The table of shape (words, width) in float32, shrunk or not, and the ids of the words whose eight bits stand apart as trained.

    Raises KeyError when the graph has no such table.
    """
    found = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    if WORDS in found:
        return found[WORDS].astype(np.float32), []
    if "words_slots" not in found:
        return found["words_table"] * found["words_scales"], []
    slots = found["words_slots"]
    trained, others = slots > 0, slots < 0
    kept, scales = found["words_other_int4"].astype(np.float32), found["words_other_scales"]
    table = np.zeros((len(slots), kept.shape[1]), dtype=np.float32)
    table[trained] = (found["words_trained_table"] * found["words_trained_scales"])[slots[trained]]
    table[others] = (kept * np.repeat(scales, BLOCK, axis=1))[-slots[others]]
    return table, np.flatnonzero(trained).tolist()


def _after_none(rows: NDArray[Any]) -> NDArray[Any]:
    """The rows behind a row of zeros, which stands for a word of the other table."""
    return np.vstack([np.zeros((1, rows.shape[1]), dtype=rows.dtype), rows])


def _either(
    graph: onnx.GraphProto, slots: NDArray[np.int32], tables: Sequence[onnx.NodeProto], ids: str, found: str
) -> list[onnx.NodeProto]:
    """`slots` has a word's row in the table of trained words, or less the row in that of the others."""
    _constant(graph, "words_slots", slots)
    _constant(graph, "words_none", np.array(0, dtype=np.int32))
    return [
        helper.make_node("Gather", ["words_slots", ids], ["words_slot"], name="words_slot"),
        helper.make_node("Max", ["words_slot", "words_none"], ["words_row"], name="words_row"),
        helper.make_node("Neg", ["words_slot"], ["words_negated"], name="words_negated"),
        helper.make_node("Max", ["words_negated", "words_none"], ["words_other_row"], name="words_other_row"),
        *tables,
        helper.make_node("Add", ["words_trained", "words_other"], [found], name=found),
    ]


def _eight_bits(graph: onnx.GraphProto, table: NDArray[Any], rows: str, found: str) -> list[onnx.NodeProto]:
    """Gather → Cast → Mul by the gathered scale."""
    values, scales = scaled(table, axis=1)
    names = f"{found}_table", f"{found}_scales"
    _constant(graph, names[0], values)
    _constant(graph, names[1], scales)
    whole, scale = f"{found}_unscaled", f"{found}_scale"
    return [
        helper.make_node("Gather", [names[0], rows], [f"{found}_int8"], name=f"{found}_int8"),
        helper.make_node("Cast", [f"{found}_int8"], [whole], name=whole, to=TensorProto.FLOAT),
        helper.make_node("Gather", [names[1], rows], [scale], name=scale),
        helper.make_node("Mul", [whole, scale], [found], name=found),
    ]


def _four_bits(graph: onnx.GraphProto, kept: FourBits, rows: str, found: str) -> list[onnx.NodeProto]:
    data = _packed(kept.values).tobytes()
    graph.initializer.append(helper.make_tensor(f"{found}_int4", TensorProto.INT4, kept.values.shape, data, raw=True))
    _constant(graph, f"{found}_scales", kept.scales)
    inputs = [f"{found}_int4", rows, f"{found}_scales"]
    node = helper.make_node(
        "GatherBlockQuantized",
        inputs,
        [found],
        name=found,
        domain="com.microsoft",
        block_size=BLOCK,
        gather_axis=0,
        quantize_axis=1,
    )
    return [node]


def _constant(graph: onnx.GraphProto, name: str, values: NDArray[Any]) -> None:
    graph.initializer.append(numpy_helper.from_array(values, name))


def _packed(values: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Two numbers of four bits a byte, the first in the lower half (ONNX, int4)."""
    flat = (values.reshape(-1) & 0xF).astype(np.uint8)
    return (flat[0::2] | (flat[1::2] << 4)).astype(np.uint8)
