"""Tensors as bytes behind the JSON, both ways: the binary tensor data extension of the Open Inference Protocol. Pure.

Numbers are little-endian; an element of BYTES stands behind its length in four bytes.
"""

import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from services.kit.errors import BadRequest

EXTENSION = "binary_tensor_data"
HEADER = "Inference-Header-Content-Length"
"""How many bytes of the body are JSON."""
SIZE = "binary_data_size"
MEDIA_TYPE = "application/octet-stream"

_LENGTH = struct.Struct("<I")
_NUMBERS = {"BOOL": np.dtype(np.bool_), "FP32": np.dtype("<f4")}


class BadLength(BadRequest):
    code = EXTENSION

    def __init__(self, body: int) -> None:
        why = f"It must be how many of the body's {body} bytes are its JSON."
        super().__init__(why, param=HEADER.lower())


def apart(body: bytes, told: str) -> tuple[bytes, bytes]:
    """A body's JSON, and what is behind it; `told` is the header's value. Raises `BadLength`."""
    length = int(told) if told.isascii() and told.isdigit() and len(told) < 10 else 0
    if not 0 < length <= len(body):
        raise BadLength(len(body))
    return body[:length], body[length:]


def elements(raw: bytes, count: int) -> list[bytes]:
    """`count` elements of BYTES; raises ValueError where `raw` does not hold so many, or more."""
    found, place = [], 0
    for _ in range(count):
        if place + _LENGTH.size > len(raw):
            break
        start = place + _LENGTH.size
        place = start + _LENGTH.unpack_from(raw, place)[0]
        found.append(raw[start:place])
    if len(found) != count or place != len(raw):
        raise ValueError(f"its bytes are not those of {count} elements, each behind its length in four bytes")
    return found


@dataclass(frozen=True, slots=True)
class Packed:
    """An answer: its JSON, and the bytes behind that, None where all tensors are in the JSON."""

    head: bytes
    tail: bytes | None

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.tail is None else {HEADER: str(len(self.head))}


def packed(document: Mapping[str, Any], outputs: Sequence[Mapping[str, Any]], as_bytes: Collection[str]) -> Packed:
    """`document` with its `outputs`, those named in `as_bytes` behind the JSON in their order."""
    told, parts = [], []
    for output in outputs:
        if output["name"] in as_bytes:
            parts.append(_bytes_of(output["datatype"], output["data"]))
            described = {name: output[name] for name in ("name", "datatype", "shape")}
            told.append({**described, "parameters": {SIZE: len(parts[-1])}})
        else:
            told.append(dict(output))
    head = orjson.dumps({**document, "outputs": told}, option=orjson.OPT_SERIALIZE_NUMPY)
    return Packed(head, b"".join(parts) if parts else None)


def _bytes_of(datatype: str, data: Any) -> bytes:
    if datatype == "BYTES":
        return b"".join(_LENGTH.pack(len(raw)) + raw for raw in (each.encode() for each in data))
    return np.asarray(data, _NUMBERS[datatype]).tobytes()
