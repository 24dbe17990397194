"""int8 for CPUs, tried in several ways and refused when it costs more than half a point.

Weights are always int8. How activations are made int8 decides what it costs: one scale for a whole tensor (dynamic quantisation, the
fastest), or one for each block of 128 where a tensor has outliers (the second half of each feed-forward, behind its GELU). Where even
that is too dear, every product but attention's first is made in blocks.
"""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import onnx
from onnx import TensorProto
from onnxruntime.quantization import QuantType, quantize_dynamic

from training.intent.blocks import can_block, multiply_in_blocks
from training.intent.words import shrink_words

LARGEST_LOSS = 0.005
SMALL_LOSS = 0.002
"""What loses no more is taken without a look at the dearer ways."""
Score = Callable[[Path], float]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to quantise, and what it scored on validation. Nodes whose name `in_blocks` matches are multiplied in blocks."""

    name: str
    per_channel: bool = True
    in_blocks: str = "(?!)"
    score: float = 0.0
    megabytes: float = 0.0


WAYS = (
    Attempt("per channel"),
    Attempt("per tensor", per_channel=False),
    Attempt("per channel, second half of each feed-forward in blocks", in_blocks=r"layer\d+_outer$"),
    Attempt(
        "per channel, all but attention's first product in blocks", in_blocks=r"layer\d+_(outer|inner|projection)$"
    ),
)


def quantise(
    source: Path, target: Path, *, spoken: Sequence[int], reference: float, score: Score
) -> tuple[Attempt | None, list[Attempt]]:
    """Write `target` in the first way that loses at most a fifth of a point against `reference`, or else in the one that loses
    least, half a point at most.

    `spoken` are the ids of the words that were trained; `score` gives a file's figure on validation rows. Returns the way taken
    (None: refused, and no file), and all that was tried.
    """
    taken: Attempt | None = None
    tried: list[Attempt] = []
    for way in WAYS:
        draft = target.with_suffix(".draft")
        _write(source, draft, way, spoken)
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


def _write(source: Path, target: Path, way: Attempt, spoken: Sequence[int]) -> None:
    logging.getLogger().setLevel(logging.ERROR)  # onnxruntime advises a pre-processing that our graph has no need of
    model = onnx.load(str(source))
    for node in [each for each in model.graph.node if re.match(way.in_blocks, each.name)]:
        if can_block(model.graph, node):
            multiply_in_blocks(model.graph, node)
    quantize_dynamic(
        model,
        str(target),
        weight_type=QuantType.QInt8,
        per_channel=way.per_channel,
        op_types_to_quantize=["MatMul", "Attention"],
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )
    model = onnx.load(str(target))
    shrink_words(model.graph, spoken)
    onnx.save(model, str(target))
