"""int8 for CPUs: dynamic quantisation, tried in several ways and refused when it costs more than half a point.

The table of word embeddings has rows of very different sizes, so one scale for all of it costs a point or more. Each row gets its own.
"""

import logging
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
    """One way to quantise, and what it scored on validation."""

    name: str
    per_channel: bool
    float_embeddings: bool = False
    float_last_layer: bool = False
    score: float = 0.0
    megabytes: float = 0.0


WAYS = (
    Attempt("per channel", per_channel=True),
    Attempt("per tensor", per_channel=False),
    Attempt("per channel, last layer in float", per_channel=True, float_last_layer=True),
    Attempt("per channel, embeddings in float", per_channel=True, float_embeddings=True),
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
    quantize_dynamic(
        str(source),
        str(target),
        weight_type=QuantType.QInt8,
        per_channel=way.per_channel,
        op_types_to_quantize=["MatMul", "Attention"],
        nodes_to_exclude=_last_layer(source) if way.float_last_layer else [],
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )
    if not way.float_embeddings:
        _words_by_row(target)


def _words_by_row(path: Path) -> None:
    """Make the table of word embeddings int8 with a scale a row: Gather → Cast → Mul by the gathered scale."""
    model = onnx.load(str(path))
    graph = model.graph
    table = next(each for each in graph.initializer if each.name == WORDS)
    gather = next(node for node in graph.node if node.op_type == "Gather" and node.input[0] == WORDS)
    values, scales = by_row(numpy_helper.to_array(table))
    graph.initializer.remove(table)
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
    onnx.save(model, str(path))


def by_row(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric int8 of shape (rows, width), and what to multiply each row by, of shape (rows, 1)."""
    scales = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-12) / 127
    return np.rint(table / scales).astype(np.int8), scales.astype(np.float32)


def _last_layer(source: Path) -> list[str]:
    names = [node.name for node in onnx.load(str(source)).graph.node if node.name.startswith("layer")]
    last = max(int(name[len("layer") :].split("_")[0]) for name in names)
    return [name for name in names if name.startswith(f"layer{last}_")]
