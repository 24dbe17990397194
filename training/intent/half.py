"""float16 for GPUs, from the float32 graph that `export` writes: the encoder is halved, what is small and delicate is not.

Embeddings and layers compute in float16, as onnxruntime's fused kernels for CUDA do (softmax and the sums of the normalisations are
taken in float32 inside them). The mean over tokens, which would overflow, the heads and the embedding's length stay float32. Inputs
and outputs stay as they are. The mask becomes the number of real tokens, which stand in front: the fast attention kernels take
nothing else.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BODY = frozenset({"Gather", "Slice", "MatMul", "Attention", "SkipLayerNormalization", "BiasGelu"})
LARGEST = float(np.finfo(np.float16).max)
MASK, LENGTHS = "attention_mask", "real_tokens"


class NotHalvable(ValueError):
    """A weight is too large for float16, or the graph is not one of ours."""


@dataclass(slots=True)
class _Halves:
    """Which values are float16 by now, and which of them were cast back."""

    floats: dict[str, onnx.TensorProto]
    halved: set[str] = field(default_factory=set)
    widened: dict[str, str] = field(default_factory=dict)


def halve(source: Path, target: Path) -> None:
    """Write `target`, the float16 form of the float32 file `source`; raises `NotHalvable`."""
    model = onnx.load(str(source))
    graph = model.graph
    halves = _Halves({each.name: each for each in graph.initializer if each.data_type == TensorProto.FLOAT})
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if _computes_in_half(node, halves):
            _halve_weights(node, halves)
            halves.halved.add(node.output[0])
        else:
            nodes += _widen_inputs(node, halves)
        nodes.append(node)
    if not halves.halved:
        raise NotHalvable(f"{source.name} has no encoder in float32")
    del graph.node[:]
    graph.node.extend(nodes)
    _count_tokens(graph)
    onnx.save(model, str(target))


def _computes_in_half(node: onnx.NodeProto, halves: _Halves) -> bool:
    """A node of the encoder whose first input is float16 already, or a table of embeddings."""
    if node.op_type not in BODY:
        return False
    first = node.input[0]
    table = node.op_type in {"Gather", "Slice"} and first in halves.floats
    return table or first in halves.halved


def _halve_weights(node: onnx.NodeProto, halves: _Halves) -> None:
    for name in node.input:
        if name not in halves.floats or name in halves.halved:
            continue
        weight = halves.floats[name]
        values = numpy_helper.to_array(weight)
        if not np.abs(values).max(initial=0.0) <= LARGEST:
            raise NotHalvable(f"{name} has weights beyond {LARGEST:.0f}")
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name))
        halves.halved.add(name)


def _widen_inputs(node: onnx.NodeProto, halves: _Halves) -> list[onnx.NodeProto]:
    """Casts of the float16 values that a float32 node reads; each value is cast once."""
    casts = []
    for place, name in enumerate(node.input):
        if name not in halves.halved:
            continue
        if name not in halves.widened:
            halves.widened[name] = f"{name}_float32"
            wide = halves.widened[name]
            casts.append(helper.make_node("Cast", [name], [wide], name=wide, to=TensorProto.FLOAT))
        node.input[place] = halves.widened[name]
    return casts


def _count_tokens(graph: onnx.GraphProto) -> None:
    """Give attention the number of tokens of each row, of shape (rows,), where it was given the mask."""
    attentions = [node for node in graph.node if node.op_type == "Attention"]
    for node in attentions:
        node.input[3] = LENGTHS
    axis = numpy_helper.from_array(np.array([1], dtype=np.int64), "axis_tokens")
    graph.initializer.append(axis)
    count = helper.make_node(
        "ReduceSum", [MASK, axis.name], ["real_tokens_int64"], name="real_tokens_int64", keepdims=0
    )
    cast = helper.make_node("Cast", [count.output[0]], [LENGTHS], name=LENGTHS, to=TensorProto.INT32)
    old = [node for node in graph.node if node.output[0] == "mask_int32"]
    for node in old:
        graph.node.remove(node)
    for place, node in enumerate((count, cast)):
        graph.node.insert(place, node)
