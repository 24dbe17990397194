"""The embedding as a linear map of several layers, fitted to the embeddings of an encoder that was not trained for intents.

Fine-tuning costs the last layer meaning that intents have no need of; with the means of the words and of earlier layers beside it
most of that can be read out again. Ridge regression; nothing that logits are made of changes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from services.intent.trained.confidence import Floats
from services.intent.trained.outputs import EMBEDDING

OURS = "readout"
STATES = f"{OURS}_states"
LAST = "sentence_unit"
"""The embedding that the graph had before: the last layer's mean, of unit length. What else reads it goes on reading it."""
PARTS = 3
SHRINKAGE = 0.06
"""Of each state's variance over all texts; from .02 to .2 the share explained of texts held out changed by .02."""


class NoEncoder(ValueError):
    """The graph is none that `export_onnx` writes."""


@dataclass(frozen=True, slots=True)
class Readout:
    """`weights` of shape (states, width) and `bias` of shape (width,): from a text's states to its embedding, not normalised."""

    weights: Floats
    bias: Floats

    def embeddings(self, states: Floats) -> Floats:
        """Of unit length, (texts, width), from states of shape (texts, states)."""
        return unit(states @ self.weights + self.bias)


def unit(vectors: Floats) -> Floats:
    """Of length one each, (texts, width)."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))


def fit_readout(states: Floats, wanted: Floats) -> Readout:
    """The map from `states` (texts, states) to `wanted` (texts, width).

    The mean of what is wanted is left out: it is in every embedding and tells nothing apart.
    """
    mean, spread = states.mean(axis=0), np.maximum(states.std(axis=0), 1e-6)
    scaled = (states - mean) / spread
    gram = scaled.T @ scaled + SHRINKAGE * len(states) * np.eye(states.shape[1])
    weights = np.linalg.solve(gram, scaled.T @ (wanted - wanted.mean(axis=0))) / spread[:, None]
    return Readout(weights, -mean @ weights)


def explained(readout: Readout, states: Floats, wanted: Floats) -> float:
    """The share of the variance of what is wanted that the map gives."""
    centred = wanted - wanted.mean(axis=0)
    missed = centred - (states @ readout.weights + readout.bias)
    return float(1 - (missed**2).sum() / (centred**2).sum())


def add_states(source: Path, target: Path) -> None:
    """Write `target`: `source` with an output of shape (batch, states), the means of the words and of each third of the layers.

    An earlier readout goes. Raises `NoEncoder`.
    """
    model = onnx.load(str(source))
    graph = model.graph
    _take_out(graph)
    _pool(graph, _layers(graph))
    graph.output.append(helper.make_tensor_value_info(STATES, TensorProto.FLOAT, ["batch", "states"]))
    onnx.save(model, str(target))


def add_readout(path: Path, readout: Readout) -> None:
    """Make the embedding of a file that `add_states` wrote the readout of its states."""
    model = onnx.load(str(path))
    graph = model.graph
    outputs = [each for each in graph.output if each.name not in {STATES, EMBEDDING}]
    width = readout.weights.shape[1]
    embedding = helper.make_tensor_value_info(EMBEDDING, TensorProto.FLOAT, ["batch", width])
    del graph.output[:]
    graph.output.extend([*outputs, embedding])
    _rename(graph.node, EMBEDDING, LAST)
    # Half as large as in float32; onnxruntime widens it once, when the file is loaded.
    _constant(graph, f"{OURS}_weight_float16", readout.weights.astype(np.float16))
    _constant(graph, f"{OURS}_bias", readout.bias.astype(np.float32))
    widened, told = f"{OURS}_weight", f"{OURS}_sentence"
    _node(graph, "Cast", [f"{OURS}_weight_float16"], widened, to=TensorProto.FLOAT)
    _node(graph, "Gemm", [STATES, widened, f"{OURS}_bias"], told)
    _node(graph, "LpNormalization", [told], EMBEDDING, axis=-1, p=2)
    onnx.save(model, str(path))


def _layers(graph: onnx.GraphProto) -> list[str]:
    """Names of what is read, the words first."""
    made = {name for node in graph.node for name in node.output}
    count = sum(f"layer{index}_out" in made for index in range(len(graph.node)))
    if not count or not {"embedded", "mask_wide", "count_or_one"} <= made:
        raise NoEncoder("the graph has no encoder that kuajie train intent writes")
    thirds = sorted({round(count * part / PARTS) for part in range(1, PARTS + 1)} - {0})
    return ["embedded", *(f"layer{index - 1}_out" for index in thirds)]


def _pool(graph: onnx.GraphProto, layers: Sequence[str]) -> None:
    """The means over real tokens side by side, each as one product: (batch, 1, tokens) times (batch, tokens, width)."""
    shares, row = f"{OURS}_shares", f"{OURS}_shares_row"
    _constant(graph, f"{OURS}_axis", np.array([1], dtype=np.int64))
    _node(graph, "Transpose", ["mask_wide"], f"{OURS}_mask_row", perm=[0, 2, 1])
    _node(graph, "Unsqueeze", ["count_or_one", f"{OURS}_axis"], f"{OURS}_count")
    _node(graph, "Div", [f"{OURS}_mask_row", f"{OURS}_count"], row)
    means = []
    for name in layers:
        _node(graph, "Cast", [name], f"{OURS}_{name}", to=TensorProto.FLOAT)
        _node(graph, "MatMul", [row, f"{OURS}_{name}"], f"{OURS}_{name}_mean")
        means.append(f"{OURS}_{name}_mean")
    _node(graph, "Concat", means, shares, axis=2)
    _node(graph, "Squeeze", [shares, f"{OURS}_axis"], STATES)


def _take_out(graph: onnx.GraphProto) -> None:
    """Undo `add_readout`."""
    if all(LAST not in node.output for node in graph.node):
        return
    kept = [node for node in graph.node if not node.name.startswith(OURS) and EMBEDDING not in node.output]
    weights = [each for each in graph.initializer if not each.name.startswith(OURS)]
    _rename(kept, LAST, EMBEDDING)
    del graph.node[:], graph.initializer[:]
    graph.node.extend(kept)
    graph.initializer.extend(weights)


def _rename(nodes: Iterable[onnx.NodeProto], old: str, new: str) -> None:
    """A value, wherever it is made and read; the node that makes it has its name."""
    for node in nodes:
        for names in (node.input, node.output):
            names[:] = [new if name == old else name for name in names]
        if node.name == old:
            node.name = new


def _constant(graph: onnx.GraphProto, name: str, values: Floats | np.ndarray) -> None:
    graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(values), name))


def _node(graph: onnx.GraphProto, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
    graph.node.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
