"""int8 for CPUs, tried in several ways and refused when it costs more than half a point.

Weights are always int8. How activations are made int8 decides what it costs: one scale for a whole tensor (dynamic quantisation, the
fastest); where a tensor has outliers (the second half of each feed-forward, behind its GELU) one scale after its columns were evened
out, or one for each block of 128. Where even that is too dear, every product but attention's first is made in blocks.
"""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from services.intent.trained.confidence import Floats
from training.intent.blocks import can_block, multiply_in_blocks
from training.intent.evening import Looks, even_out, fitting
from training.intent.words import shrink_words

LARGEST_LOSS = 0.005
SMALL_LOSS = 0.002
"""What loses no more is taken without a look at the dearer ways."""
SECOND_HALVES = r"layer\d+_outer$"
"""Nodes: the second half of each feed-forward."""
Score = Callable[[Path], float]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to quantise, and what it scored on validation.

    Nodes whose name `in_blocks` matches are multiplied in blocks; what goes into those that `evened` matches is evened out where
    that does, and otherwise they are multiplied in blocks too.
    """

    name: str
    per_channel: bool = True
    evened: str = "(?!)"
    in_blocks: str = "(?!)"
    score: float = 0.0
    megabytes: float = 0.0


WAYS = (
    Attempt("per channel"),
    Attempt("per tensor", per_channel=False),
    Attempt("per channel, second half of each feed-forward evened out or in blocks", evened=SECOND_HALVES),
    Attempt("per channel, second half of each feed-forward in blocks", in_blocks=SECOND_HALVES),
    Attempt(
        "per channel, all but attention's first product in blocks", in_blocks=r"layer\d+_(outer|inner|projection)$"
    ),
)


def quantise(
    source: Path,
    target: Path,
    *,
    spoken: Sequence[int],
    looks: Callable[[], Looks],
    reference: float,
    score: Score,
) -> tuple[Attempt | None, list[Attempt]]:
    """Write `target` in the first way that loses at most a fifth of a point against `reference`, or else in the one that loses
    least, half a point at most.

    `spoken` are the ids of the words that were trained; `looks`, asked where it is needed, tells of what goes into `SECOND_HALVES`;
    `score` gives a file's figure on validation rows. Returns the way taken
    (None: refused, and no file), and all that was tried.
    """
    taken: Attempt | None = None
    tried: list[Attempt] = []
    for way in WAYS:
        draft = target.with_suffix(".draft")
        _write(source, draft, way, spoken, looks)
        attempt = replace(way, score=score(draft), megabytes=draft.stat().st_size / 1e6)
        tried.append(attempt)
        if attempt.score < reference - LARGEST_LOSS or (taken and attempt.score <= taken.score):
            draft.unlink()
            continue
        draft.replace(target)
        taken = attempt
        if taken.score >= reference - SMALL_LOSS:
            break
    return taken, tried


def _write(source: Path, target: Path, way: Attempt, spoken: Sequence[int], looks: Callable[[], Looks]) -> None:
    model = onnx.load(str(source))
    for node in [each for each in model.graph.node if re.match(way.evened, each.name)]:
        factors = fitting(_matrix(model.graph, node), looks()[node.input[0]])
        if factors is not None:
            even_out(model.graph, node, factors)
        elif can_block(model.graph, node):
            multiply_in_blocks(model.graph, node)
    for node in [each for each in model.graph.node if re.match(way.in_blocks, each.name)]:
        if can_block(model.graph, node):
            multiply_in_blocks(model.graph, node)
    to_int8(model, target, per_channel=way.per_channel)
    model = onnx.load(str(target))
    shrink_words(model.graph, spoken)
    onnx.save(model, str(target))


def _matrix(graph: onnx.GraphProto, node: onnx.NodeProto) -> Floats:
    """The constant, of shape (in, out), that the node multiplies by."""
    weight = next(each for each in graph.initializer if each.name == node.input[1])
    return np.asarray(numpy_helper.to_array(weight), dtype=np.float32)


def to_int8(model: onnx.ModelProto, target: Path, *, per_channel: bool = True, nodes: Sequence[str] = ()) -> None:
    """Write `target` with int8 weights and dynamic int8 activations: of the products and attentions, or of those named."""
    logging.getLogger().setLevel(logging.ERROR)  # onnxruntime advises a pre-processing that our graph has no need of
    quantize_dynamic(
        model,
        str(target),
        weight_type=QuantType.QInt8,
        per_channel=per_channel,
        op_types_to_quantize=["MatMul", "Attention"],
        nodes_to_quantize=list(nodes),
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )
