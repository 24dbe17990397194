"""Activations evened out before they share one int8 scale: large columns are divided, and their rows of weights multiplied.

SmoothQuant (Xiao et al. 2023), for the product behind each GELU, of whose columns a few have values twenty times those of the others.
It computes the same in float; as int8 it takes half the time of a product in blocks. How much of a column's size goes into the
weights is chosen for each product, by what of it is lost on real activations; where that is much, blocks are the better way.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from services.intent.trained.confidence import Floats
from training.intent.batches import Encoded, in_order
from training.intent.served import open_model

SHARES = (0.5, 0.65, 0.8, 0.9, 1.0)
"""Of a column's size that may go into the weights."""
LARGEST_ERROR = 2e-3
"""Share of the variance of a product that int8 may take; blocks take 1e-5 to 1.5e-4. No product of the model that ships loses
more, and its accuracy on validation rows is the same as in blocks."""
MOST = 2_000
"""Texts whose activations are looked at."""
SAMPLE = 512
"""Tokens whose activations are multiplied, to see what is lost."""
BATCH = 16
SMALLEST = 1e-3


@dataclass(frozen=True, slots=True)
class Look:
    """What goes into a product: the largest size of each column, shape (width,), and some rows, (at most `SAMPLE`, width)."""

    peaks: Floats
    sample: Floats


Looks = Mapping[str, Look]
"""By the name of the value."""


def looks_at(path: Path, products: str, tokens: Sequence[list[int]], pad_id: int) -> Looks:
    """What goes into the nodes of a graph whose names match `products`, for up to `MOST` of the texts.

    With their padding: that is in the tensor which one scale is for.
    """
    model = onnx.load(str(path))
    names = sorted({node.input[0] for node in model.graph.node if re.match(products, node.name)})
    if not names:
        return {}
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    with TemporaryDirectory() as folder:
        watched = Path(folder) / path.name
        onnx.save(model, str(watched))
        session = open_model(watched)
    chosen = Encoded(list(tokens[:: max(1, -(-len(tokens) // MOST))]), {})
    batches = list(in_order(chosen, BATCH, pad_id))
    every = max(1, -(-sum(batch.input_ids.numel() for batch in batches) // SAMPLE))
    peaks: dict[str, list[Floats]] = {name: [] for name in names}
    samples: dict[str, list[Floats]] = {name: [] for name in names}
    first = 0
    for batch in batches:
        feeds = {"input_ids": batch.input_ids.numpy(), "attention_mask": batch.attention_mask.numpy()}
        for name, values in zip(names, session.run(names, feeds), strict=True):
            rows = values.reshape(-1, values.shape[-1])
            peaks[name].append(np.abs(rows).max(axis=0))
            samples[name].append(rows[first::every])
        first = (first - batch.input_ids.numel()) % every
    return {name: Look(np.max(peaks[name], axis=0), np.concatenate(samples[name])) for name in names}


def fitting(matrix: Floats, look: Look) -> Floats | None:
    """What to divide the columns by that go into `matrix`, of shape (in, out); None where too much of the product would be lost."""
    whole = look.sample @ matrix
    found = [_factors(matrix, look.peaks, share) for share in SHARES]
    spread = max(float(whole.var()), SMALLEST**2)
    lost = [float(((_in_int8(matrix, look.sample, each) - whole) ** 2).mean()) / spread for each in found]
    best = int(np.argmin(lost))
    return found[best] if lost[best] <= LARGEST_ERROR else None


def _factors(matrix: Floats, peaks: Floats, share: float) -> Floats:
    rows = np.maximum(np.abs(matrix).max(axis=1), SMALLEST)
    factors = np.maximum(peaks, SMALLEST) ** share / rows ** (1 - share)
    return np.asarray(factors / np.exp(np.log(factors).mean()), dtype=np.float32)


def _in_int8(matrix: Floats, sample: Floats, factors: Floats) -> Floats:
    """The product with one scale for all activations and one for each column of the matrix."""
    evened, weights = sample / factors, matrix * factors[:, None]
    step = max(float(max(evened.max(), 0) - min(evened.min(), 0)), 1e-12) / 255
    scales = np.maximum(np.abs(weights).max(axis=0), 1e-12) / 127
    return np.asarray((np.rint(evened / step) * step) @ (np.rint(weights / scales) * scales))


def even_out(graph: onnx.GraphProto, node: onnx.NodeProto, factors: Floats) -> None:
    """Divide the columns that go into a `MatMul` by a constant matrix of shape (in, out), and multiply its rows."""
    weight = next(each for each in graph.initializer if each.name == node.input[1])
    matrix = numpy_helper.to_array(weight) * factors[:, None]
    weight.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(matrix, dtype=np.float32), weight.name))
    name = evened_name(weight.name)
    graph.initializer.append(numpy_helper.from_array(1 / factors, name))
    evened = helper.make_node("Mul", [node.input[0], name], [f"{node.name}_evened"], name=f"{node.name}_evened")
    node.input[0] = evened.output[0]
    graph.node.insert(list(graph.node).index(node), evened)


def evened_name(weight: str) -> str:
    """Of what the columns are multiplied by, one for each row of `weight`."""
    return f"{weight}_evened"
