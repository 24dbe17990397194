"""The Open Inference Protocol's tensors: texts out of a request, understandings into an answer. Knows no route."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from services.intent.binary_tensors import HEADER, SIZE, elements
from services.intent.inference_schemas import InferRequest, RequestInput, TensorMetadata
from services.intent.model import Understanding
from services.intent.schemas import MAX_TEXTS, Text
from services.intent.serving.raw import Rows
from services.kit.errors import BadRequest
from services.kit.wire import message_of

INPUT = TensorMetadata(name="text", datatype="BYTES", shape=[-1])
DATATYPES = {
    "label": "BYTES",
    "confidence": "FP32",
    "in_scope": "BOOL",
    "sentiment": "BYTES",
    "topics": "BYTES",
    "purchase": "FP32",
}
"""What every version says; the rest is raw."""
BETWEEN_TOPICS = "|"
"""A tensor has as many topics for one text as for another, so those of a text are one string."""

EXTENSIONS = {
    "shared_memory_region": "shared memory",
    "classification": "classification",
    "sequence_id": "sequence",
}
"""Parameters of other servers that would make an answer another one than is given here. Those that would not are ignored."""

SIZED = f"parameters.{SIZE}"

_TEXT: TypeAdapter[str] = TypeAdapter(Text)


class BadTensor(BadRequest):
    """`detail` names the tensor, `param` the field."""

    code = "bad_tensor"

    def __init__(self, name: str, why: str, *, param: str) -> None:
        super().__init__(f"tensor {name!r}: {why}", param=param)


class UnsupportedExtension(BadRequest):
    code = "unsupported_extension"


def decline_extensions(request: InferRequest) -> None:
    """Raise `UnsupportedExtension` for a request that rests on what other servers add to the protocol."""
    holders = {"": request.parameters}
    holders |= {f"inputs.{place}.": each.parameters for place, each in enumerate(request.inputs)}
    holders |= {f"outputs.{place}.": each.parameters for place, each in enumerate(request.outputs or ())}
    for prefix, parameters in holders.items():
        for name in EXTENSIONS.keys() & (parameters or {}):
            why = f"The {EXTENSIONS[name]} extension is not supported: each request stands alone and holds its tensors."
            raise UnsupportedExtension(why, param=f"{prefix}parameters.{name}")


def texts_of(request: InferRequest, tail: bytes) -> list[str]:
    """The texts of the one input tensor, in the JSON or in `tail`, what is behind it; raises `BadTensor`."""
    for place, each in enumerate(request.inputs):
        if each.name != INPUT.name:
            raise BadTensor(each.name, f"there is no such input, only {INPUT.name!r}", param=f"inputs.{place}.name")
        if place:
            raise BadTensor(each.name, "it is given twice", param=f"inputs.{place}.name")
    if not request.inputs:
        raise BadTensor(INPUT.name, "it is missing", param="inputs")
    [tensor] = request.inputs
    return [_text(value, place) for place, value in enumerate(_flat(tensor, tail))]


def _flat(tensor: RequestInput, tail: bytes) -> list[Any]:
    """The elements of a tensor of the right type and shape, row after row."""
    if tensor.datatype != INPUT.datatype:
        raise _bad(f"its datatype is {tensor.datatype}, it must be BYTES", "datatype")
    size = (tensor.parameters or {}).get(SIZE, 0)
    if tensor.data is None and not size:
        raise _bad("it has no data", "data")
    if len(tensor.shape) not in {1, 2} or tensor.shape[1:] not in ([], [1]):
        raise _bad(f"its shape is {tensor.shape}, it must be [n] or [n, 1]", "shape")
    count = tensor.shape[0]
    if not 1 <= count <= MAX_TEXTS:
        raise _bad(f"it holds {count} texts, it must hold 1 to {MAX_TEXTS}", "shape")
    if size != len(tail):
        raise _bad(f"its {SIZE} is {size}, and {len(tail)} bytes are behind the JSON that {HEADER} tells of", SIZED)
    if tensor.data is None:
        return _decoded(tail, count)
    if size:
        raise _bad("it has both data and bytes behind the JSON", "data")
    rows = [each if isinstance(each, list) else [each] for each in tensor.data]
    if len(rows) != count or any(len(row) != 1 for row in rows):
        raise _bad(f"its data is not of the shape {tensor.shape}", "data")
    return [value for [value] in rows]


def _decoded(tail: bytes, count: int) -> list[str]:
    try:
        raw = elements(tail, count)
    except ValueError as error:
        raise _bad(str(error), SIZED) from error
    return [_utf8(each, place) for place, each in enumerate(raw)]


def _utf8(raw: bytes, place: int) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise _bad(f"element {place}: it is not UTF-8", f"data.{place}") from error


def _text(value: Any, place: int) -> str:
    try:
        return _TEXT.validate_python(value)
    except ValidationError as error:
        raise _bad(f"element {place}: {message_of(error.errors()[0])}", f"data.{place}") from None


def _bad(why: str, field: str) -> BadTensor:
    return BadTensor(INPUT.name, why, param=f"inputs.0.{field}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The outputs that an answer has, in the order in which they were asked for; `raw` says whether any is a raw one."""

    names: tuple[str, ...]
    raw: bool


def wanted_of(request: InferRequest, raw: Mapping[str, int]) -> Wanted:
    """What is asked for, of what there is; `raw` are the widths of the version's raw outputs by name. Raises `BadTensor`."""
    if not request.outputs:
        return Wanted((*DATATYPES, *raw), raw=bool(raw))
    names = [each.name for each in request.outputs]
    for place, name in enumerate(names):
        if name not in DATATYPES and name not in raw:
            raise BadTensor(name, "this version has no such output", param=f"outputs.{place}.name")
        if name in names[:place]:
            raise BadTensor(name, "it is asked for twice", param=f"outputs.{place}.name")
    return Wanted(tuple(names), raw=any(name in raw for name in names))


def binary_of(request: InferRequest, names: Sequence[str]) -> frozenset[str]:
    """Which of the outputs are asked for as bytes behind the JSON: each by itself, or all that say nothing of it."""
    default = (request.parameters or {}).get("binary_data_output", False)
    asked = {each.name: (each.parameters or {}).get("binary_data", default) for each in request.outputs or ()}
    return frozenset(name for name in names if asked.get(name, default) is True)


def outputs_metadata(raw: Mapping[str, int]) -> list[TensorMetadata]:
    """Every output of a version."""
    said = [TensorMetadata(name=name, datatype=datatype, shape=[-1]) for name, datatype in DATATYPES.items()]
    return [*said, *(TensorMetadata(name=name, datatype="FP32", shape=[-1, width]) for name, width in raw.items())]


def tensors(names: Sequence[str], said: Sequence[Understanding], raw: Sequence[Rows]) -> list[dict[str, Any]]:
    """The outputs as JSON types and arrays of float32; `raw` has a value a text where a raw output is among the names."""
    return [
        {
            "name": name,
            "datatype": DATATYPES[name],
            "shape": [len(said)],
            "data": [_said(each, name) for each in said],
        }
        if name in DATATYPES
        else _raw_tensor(name, raw)
        for name in names
    ]


def _said(understood: Understanding, name: str) -> Any:
    return BETWEEN_TOPICS.join(understood.topics) if name == "topics" else getattr(understood, name)


def _raw_tensor(name: str, raw: Sequence[Rows]) -> dict[str, Any]:
    values = np.stack([rows[name] for rows in raw])
    return {"name": name, "datatype": "FP32", "shape": list(values.shape), "data": values.ravel()}
