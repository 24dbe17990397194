"""`kuajie train quantisation`: the same weights in the int8 form that is computed faster. Trains nothing.

A package's products in blocks (behind each GELU) become products with one scale whose activations are evened out, where that does.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from services.intent.trained.confidence import Floats
from services.intent.trained.package import MODEL, read_package
from services.intent.trained.transformer import OnnxModel
from training.intent.blocks import OPERATOR, unblocked
from training.intent.evening import even_out, fitting, looks_at
from training.intent.lineage import CARD
from training.intent.metrics import mean_accuracy
from training.intent.package import draft_of, seal
from training.intent.quantise import LARGEST_LOSS, SECOND_HALVES, to_int8
from training.intent.rows import UNKNOWN, Row, UnusableData, Vocabulary
from training.intent.seeing import ON_CPU, Progress, see


def requantise(
    folder: Path, rows: Sequence[Row], validation: Sequence[Row], *, out: Path, progress: Progress
) -> dict[str, Any]:
    """A copy of the package in `out`, its second halves of feed-forwards evened out for the texts of `rows`.

    `accuracy_before` and `accuracy_after` are means over the tasks, on `validation`. Raises `ModelRefused` for a package that cannot
    be used, FileExistsError when `out` is there, and `UnusableData` where nothing of it can be evened out, for no rows, for a class
    that the model does not have, and where it would lose more than half a point.
    """
    if out.exists():
        raise FileExistsError(out)
    if not rows or not validation:
        raise UnusableData("quantisation needs texts to look at, and others to be judged on")
    package = read_package(folder)
    with draft_of(package, out) as draft:
        before = OnnxModel(folder, ON_CPU)
        tokens = [list(each.ids) for each in before.encode([row.text for row in rows])]
        products = _even_out(draft / MODEL, tokens, package.description.pad_id)
        accuracy = _accuracy(before, validation, progress)
        seal(draft, package.description.name)
        reached = _accuracy(OnnxModel(draft, ON_CPU), validation, progress)
        if reached < accuracy - LARGEST_LOSS:
            raise UnusableData(
                f"the faster form loses too much: from {accuracy:.4f} to {reached:.4f} right of --validation"
            )
        with (draft / CARD).open("a", encoding="utf-8") as card:
            card.write(_note(before.version, len(products), accuracy, reached, len(validation)))
        version = seal(draft, package.description.name)
    return {
        "package": str(out),
        "version": version,
        "products": len(products),
        "rows": len(validation),
        "accuracy_before": accuracy,
        "accuracy_after": reached,
    }


def _even_out(path: Path, tokens: Sequence[list[int]], pad_id: int) -> list[str]:
    """Write the file anew with its blocks evened out where that does; the names of those products."""
    looks = looks_at(path, SECOND_HALVES, tokens, pad_id)
    model = onnx.load(str(path))
    graph = model.graph
    evened = []
    for node in [each for each in graph.node if each.op_type == OPERATOR and re.match(SECOND_HALVES, each.name)]:
        matrix = _matrix(graph, node)
        factors = fitting(matrix, looks[node.input[0]])
        if factors is not None:
            even_out(graph, _in_float(graph, node, matrix), factors)
            evened.append(node.name)
    if not evened:
        raise UnusableData("nothing in this package can be computed faster: it is in that form already, or not in int8")
    to_int8(model, path, nodes=evened)
    return evened


def _matrix(graph: onnx.GraphProto, node: onnx.NodeProto) -> Floats:
    """What a node in blocks multiplies by, in float32 of shape (in, out)."""
    stored = {each.name: numpy_helper.to_array(each) for each in graph.initializer if each.name in node.input}
    values, scales = (stored[name] for name in node.input[1:3])
    return unblocked(values, scales.reshape(values.shape[:2]))


def _in_float(graph: onnx.GraphProto, node: onnx.NodeProto, matrix: Floats) -> onnx.NodeProto:
    """The product by `matrix`, in the place of the one in blocks."""
    for each in [each for each in graph.initializer if each.name in node.input[1:3]]:
        graph.initializer.remove(each)
    name = f"{node.name}_weight"
    graph.initializer.append(numpy_helper.from_array(matrix, name))
    place = list(graph.node).index(node)
    inputs, outputs = [node.input[0], name], list(node.output)
    graph.node.remove(node)
    graph.node.insert(place, helper.make_node("MatMul", inputs, outputs, name=node.name))
    found: onnx.NodeProto = graph.node[place]
    return found


def _accuracy(model: OnnxModel, rows: Sequence[Row], progress: Progress) -> float:
    """The mean over the tasks that rows tell of."""
    vocabulary = Vocabulary(model.package.description.classes)
    indices = [vocabulary.indices(row) for row in rows]
    seen = see(model, [row.text for row in rows], progress)
    truth = {task: np.array([each[task] for each in indices]) for task in seen.logits}
    if not any((values != UNKNOWN).any() for values in truth.values()):
        raise UnusableData(f"no row has a label of {' or '.join(seen.logits)}")
    return mean_accuracy(seen.logits, truth, UNKNOWN)


def _note(version: str, products: int, before: float, after: float, rows: int) -> str:
    return (
        f"\nQuantised again after {version}: the second halves of {products} feed-forwards are in int8 with one scale, their\n"
        f"activations evened out. Mean accuracy of the tasks on {rows} validation rows: {before:.4f} before, {after:.4f} after.\n"
    )
