"""int8 for CPUs, tried in several ways and refused when it costs more than half a point.

Weights are always int8: the word embeddings with a scale a row (they differ so much in size that one scale for all costs a point), the
rest with a scale a column. Activations are int8 too (dynamic quantisation, fast) where that does not cost too much; where they stay
float, onnxruntime unfolds the weights when it opens the file, which costs memory and time instead of quality.
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

LARGEST_LOSS = 0.005
WORDS = "word_embeddings"
Score = Callable[[Path], float]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to quantise, and what it scored on validation. Nodes whose name `float_activations` matches compute in float."""

    name: str
    per_channel: bool = True
    float_activations: str = "(?!)"
    score: float = 0.0
    megabytes: float = 0.0


WAYS = (
    Attempt("per channel"),
    Attempt("per tensor", per_channel=False),
    Attempt("per channel, last layer computed in float", float_activations="layer{last}_"),
    Attempt("per channel, second half of each feed-forward computed in float", float_activations=r"layer\d+_outer$"),
    Attempt("int8 weights, computed in float", float_activations="layer"),
)


def quantise(source: Path, target: Path, *, reference: float, score: Score) -> tuple[Attempt | None, list[Attempt]]:
    """Write `target` in the first way that loses at most half a point against `reference`.

    `score` gives a file's figure on validation rows. Returns the way taken (None: refused, and no file), and all that was tried.
    """
    tried: list[Attempt] = []
    for way in WAYS:
        draft = target.with_suffix(".draft")
        _write(source, draft, way)
        attempt = replace(way, score=score(draft), megabytes=draft.stat().st_size / 1e6)
        tried.append(attempt)
        if attempt.score >= reference - LARGEST_LOSS:
            draft.replace(target)
            return attempt, tried
        draft.unlink()
    return None, tried


def _write(source: Path, target: Path, way: Attempt) -> None:
    logging.getLogger().setLevel(logging.ERROR)  # onnxruntime advises a pre-processing that our graph has no need of
    excluded = _excluded(source, way)
    quantize_dynamic(
        str(source),
        str(target),
        weight_type=QuantType.QInt8,
        per_channel=way.per_channel,
        op_types_to_quantize=["MatMul", "Attention"],
        nodes_to_exclude=excluded,
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )
    model = onnx.load(str(target))
    _words_by_row(model.graph)
    for node in [each for each in model.graph.node if each.name in excluded]:
        _weights_by_column(model.graph, node.input[1])
    onnx.save(model, str(target))


def _excluded(source: Path, way: Attempt) -> list[str]:
    """Nodes with weights that are to compute in float."""
    nodes = [node.name for node in onnx.load(str(source)).graph.node if node.op_type in {"MatMul", "Attention"}]
    last = max(int(name.removeprefix("layer").partition("_")[0]) for name in nodes)
    pattern = re.compile(way.float_activations.replace("{last}", str(last)))
    return [name for name in nodes if pattern.match(name)]


def _words_by_row(graph: onnx.GraphProto) -> None:
    """Make the table of word embeddings int8 with a scale a row: Gather → Cast → Mul by the gathered scale."""
    gather = next(node for node in graph.node if node.op_type == "Gather" and node.input[0] == WORDS)
    values, scales = scaled(_take(graph, WORDS), axis=1)
    graph.initializer.extend(
        [numpy_helper.from_array(values, WORDS), numpy_helper.from_array(scales, f"{WORDS}_scale")]
    )
    place, (found, ids) = list(graph.node).index(gather), (gather.output[0], gather.input[1])
    graph.node.remove(gather)
    nodes = (
        helper.make_node("Gather", [WORDS, ids], ["words_int8"], name="words_int8"),
        helper.make_node("Cast", ["words_int8"], ["words_unscaled"], name="words_unscaled", to=TensorProto.FLOAT),
        helper.make_node("Gather", [f"{WORDS}_scale", ids], ["words_scale"], name="words_scale"),
        helper.make_node("Mul", ["words_unscaled", "words_scale"], [found], name=found),
    )
    for offset, node in enumerate(nodes):
        graph.node.insert(place + offset, node)


def _weights_by_column(graph: onnx.GraphProto, name: str) -> None:
    """Keep a matrix as int8 with a scale a column: Cast → Mul, which onnxruntime folds into a constant when it opens the file."""
    values, scales = scaled(_take(graph, name), axis=0)
    kept, scale = f"{name}_int8", f"{name}_scale"
    graph.initializer.extend([numpy_helper.from_array(values, kept), numpy_helper.from_array(scales, scale)])
    graph.node.insert(0, helper.make_node("Mul", [f"{name}_unscaled", scale], [name], name=name))
    graph.node.insert(
        0, helper.make_node("Cast", [kept], [f"{name}_unscaled"], name=f"{name}_unscaled", to=TensorProto.FLOAT)
    )


def _take(graph: onnx.GraphProto, name: str) -> np.ndarray:
    """Remove an initializer, and what it held."""
    found = next(each for each in graph.initializer if each.name == name)
    graph.initializer.remove(found)
    return numpy_helper.to_array(found)


def scaled(table: np.ndarray, *, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric int8, and what to multiply it by: one scale for each row (axis 1) or column (axis 0)."""
    scales = np.maximum(np.abs(table).max(axis=axis, keepdims=True), 1e-12) / 127
    return np.rint(table / scales).astype(np.int8), scales.astype(np.float32)
