"""Sums that are normalised: in one operator or in several, whichever this onnxruntime computes faster on the CPU.

Files have `SkipLayerNormalization`, one operator for x + bias + skip and its normalisation. Which form is the faster one differs
between releases, by a fifth of a whole forward pass (one core, 384 wide): 1.24 and 1.26 take either in the same time, 1.28 and 1.29
have a slow `LayerNormalization`, 1.30 to 1.32 a slow `SkipLayerNormalization` (5 ns an element for 0.6). So the runtime is asked.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from time import perf_counter
from typing import Any

import numpy as np
import onnxruntime as ort

from services.intent.trained.protobuf import Field, NotProtobuf, counting, fields, heading, holding
from services.kit.telemetry import get_logger

log = get_logger(__name__)

FUSED, CONTRIBUTED = "SkipLayerNormalization", "com.microsoft"
OPSET = 17
"""Of the default domain: the first that has `LayerNormalization`."""
ADVANTAGE = 0.8
"""What the several operators must take of the one's time, at most, to be worth it."""
TRIALS = 7
ROWS, WIDTH = 256, 384
NOT_AGAIN = ("SkipLayerNormFusion",)
"""What onnxruntime must not do to the several operators where it knows their shapes: make them one."""
# onnx.proto3: the numbers of fields
_IR_VERSION, _GRAPH, _OPSETS = 1, 7, 8
_NODE, _GRAPH_NAME, _INPUT, _OUTPUT = 1, 2, 11, 12
_TAKES, _GIVES, _NAME, _OPERATOR, _ATTRIBUTE, _DOMAIN = 1, 2, 3, 4, 5, 7
_NAMED = 1
"""Of an attribute."""
_EPSILON = "epsilon"


Open = Callable[[str, list[str]], Any]
"""A session of the file at a path, without the optimisations that are named."""


def open_suited(file: Path, open_: Open) -> Any:
    """A session of the file in the form that this machine's CPU computes in the least time.

    What cannot be opened in the other form (a node has the name of one that it needs, weights lie beside the file, no memory) is
    opened as it is. The other form is a file and no bytes: of those onnxruntime keeps a copy for as long as the session lives.
    """
    pieces = apart(file.read_bytes()) if several_are_faster() else None
    if pieces is not None:
        try:
            with _held(pieces) as other:
                return open_(str(other), list(NOT_AGAIN))
        except Exception as error:  # noqa: BLE001  onnxruntime's errors have no ancestor of their own, and the file itself may open
            log.warning("opened_in_the_slower_form", error=str(error))
    return open_(str(file), [])


@contextmanager
def _held(pieces: Sequence[bytes | memoryview]) -> Iterator[Path]:
    """A file of the pieces, until the block ends: in memory on Linux, where a pod's disk is small and may be read-only."""
    if sys.platform == "linux":
        with os.fdopen(os.memfd_create("model"), "wb") as file:
            file.writelines(pieces)
            file.flush()
            yield Path(f"/proc/self/fd/{file.fileno()}")
    else:
        with NamedTemporaryFile(suffix=".onnx") as file:
            file.writelines(pieces)
            file.flush()
            yield Path(file.name)


def apart(model: bytes) -> list[bytes | memoryview] | None:
    """The model, in pieces, with every `SkipLayerNormalization` as sums and a `LayerNormalization`.

    None where there is none that can be taken apart, or the bytes are no model that has the operator.
    """
    try:
        parts = list(fields(memoryview(model)))
        if _opset(parts) < OPSET:
            return None
        found: list[bytes | memoryview] = []
        changed = False
        for part in parts:
            nodes = _graph_apart(part) if part.number == _GRAPH else None
            changed = changed or nodes is not None
            found += nodes or [part.whole]
    except NotProtobuf:
        return None
    return found if changed else None


def _opset(parts: list[Field]) -> int:
    """The version of the default domain; 0 where none is told."""
    for part in parts:
        if part.number == _OPSETS:
            told = {each.number: each for each in fields(part.value)}
            if 2 in told and (1 not in told or told[1].text() in {"", "ai.onnx"}):
                return told[2].integer()
    return 0


def _graph_apart(graph: Field) -> list[bytes | memoryview] | None:
    """The graph's field with other nodes; None where all stay."""
    parts = list(fields(graph.value))
    others = {place: nodes for place, part in enumerate(parts) if part.number == _NODE and (nodes := _node_apart(part))}
    if not others:
        return None
    inside: list[bytes | memoryview] = []
    for place, part in enumerate(parts):
        inside += others.get(place, [part.whole])
    return [heading(_GRAPH, sum(map(len, inside))), *inside]


def _node_apart(node: Field) -> list[bytes] | None:
    """The nodes in the place of this one; None where it stays: another operator, or one whose sum is asked for as well."""
    parts = list(fields(node.value))
    takes, gives = ([each.text() for each in parts if each.number == number] for number in (_TAKES, _GIVES))
    operator = next((each.text() for each in parts if each.number == _OPERATOR), "")
    attributes = [each for each in parts if each.number == _ATTRIBUTE]
    domain = next((each.text() for each in parts if each.number == _DOMAIN), "")
    if (operator, domain) != (FUSED, CONTRIBUTED) or len(gives) != 1 or len(takes) < 4:
        return None
    if _names(attributes) != [_EPSILON]:
        return None
    given, skip, gamma, beta, *bias = takes
    name = gives[0]
    nodes = [_node("Add", [given, bias[0]], f"{name}_biased")] if bias and bias[0] else []
    nodes.append(_node("Add", [f"{name}_biased" if nodes else given, skip], f"{name}_sum"))
    scales = [gamma, beta] if beta else [gamma]
    nodes.append(_node("LayerNormalization", [f"{name}_sum", *scales], name, bytes(attributes[0].whole)))
    return nodes


def _names(attributes: list[Field]) -> list[str]:
    return [each.text() for attribute in attributes for each in fields(attribute.value) if each.number == _NAMED]


def _node(operator: str, takes: list[str], gives: str, attributes: bytes = b"", domain: str = "") -> bytes:
    """A node named as what it gives."""
    told = b"".join(holding(_TAKES, name) for name in takes)
    told += holding(_GIVES, gives) + holding(_NAME, gives) + holding(_OPERATOR, operator) + attributes
    return holding(_NODE, told + (holding(_DOMAIN, domain) if domain else b""))


@cache
def several_are_faster() -> bool:
    """Whether this runtime, on this machine, takes the several operators in clearly less time than the one. 20 ms, once a process."""
    one = _alone()
    runs = _timed(one), _timed(b"".join(apart(one) or [one]))
    together, each = (min(times) for times in zip(*([run() for run in runs] for _ in range(TRIALS)), strict=True))
    return bool(each < ADVANTAGE * together)


def _alone() -> bytes:
    """A model that is one `SkipLayerNormalization`."""
    epsilon = holding(1, _EPSILON) + b"\x15" + np.float32(1e-12).tobytes() + counting(20, 1)
    takes = ["given", "skip", "gamma", "beta", "bias"]
    node = _node(FUSED, takes, "normal", holding(_ATTRIBUTE, epsilon), CONTRIBUTED)
    ends = b"".join(holding(_INPUT, _floats(name, one_row=name not in {"given", "skip"})) for name in takes)
    graph = node + holding(_GRAPH_NAME, "normal") + ends + holding(_OUTPUT, _floats("normal", one_row=False))
    opsets = holding(_OPSETS, counting(2, OPSET)) + holding(_OPSETS, holding(1, CONTRIBUTED) + counting(2, 1))
    return counting(_IR_VERSION, 10) + holding(_GRAPH, graph) + opsets


def _floats(name: str, *, one_row: bool) -> bytes:
    """The description of a value: float32, of shape (WIDTH,) or (1, ROWS, WIDTH)."""
    sizes = (WIDTH,) if one_row else (1, ROWS, WIDTH)
    shape = b"".join(holding(1, counting(1, size)) for size in sizes)
    return holding(1, name) + holding(2, holding(1, counting(1, 1) + holding(2, shape)))


def _timed(model: bytes) -> Callable[[], float]:
    """Seconds that a forward pass takes, each time it is called."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session: Any = ort.InferenceSession(
        model, options, providers=["CPUExecutionProvider"], disabled_optimizers=list(NOT_AGAIN)
    )
    values = np.linspace(-1, 1, ROWS * WIDTH, dtype=np.float32)
    feeds = {
        each.name: values.reshape(1, ROWS, WIDTH) if len(each.shape) == 3 else values[:WIDTH]
        for each in session.get_inputs()
    }

    def run() -> float:
        begun = perf_counter()
        session.run(None, feeds)
        return perf_counter() - begun

    return run
