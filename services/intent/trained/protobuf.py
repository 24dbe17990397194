"""Just enough of protobuf's wire format to take a message apart and put it together again.

https://protobuf.dev/programming-guides/encoding. What is not looked into is carried over as it is, byte for byte.
"""

from collections.abc import Iterator
from dataclasses import dataclass

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
_SIZES = {FIXED64: 8, FIXED32: 4}


class NotProtobuf(ValueError):
    """The bytes are no message."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message: its number, what it holds (a varint's bytes as they stand), and all of it, its tag included."""

    number: int
    value: memoryview
    whole: memoryview

    def text(self) -> str:
        return str(self.value, "utf-8", errors="replace")

    def integer(self) -> int:
        return _varint(self.value, 0)[0]


def fields(message: memoryview) -> Iterator[Field]:
    """In their order; raises `NotProtobuf`."""
    place = 0
    while place < len(message):
        begin = place
        tag, place = _varint(message, place)
        wire = tag & 7
        if wire == VARINT:
            value_begin, (_, place) = place, _varint(message, place)
        elif wire == LENGTH:
            size, value_begin = _varint(message, place)
            place = value_begin + size
        elif wire in _SIZES:
            value_begin, place = place, place + _SIZES[wire]
        else:
            raise NotProtobuf(f"wire type {wire}")
        if place > len(message):
            raise NotProtobuf("it ends within a field")
        yield Field(tag >> 3, message[value_begin:place], message[begin:place])


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """An integer of seven bits a byte, the lowest first, and where it ends."""
    value = shift = 0
    while place < len(message) and shift < 64:
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
    raise NotProtobuf("it ends within an integer")


def holding(number: int, value: bytes | memoryview | str) -> bytes:
    """A field of bytes, text, or another message."""
    content = value.encode() if isinstance(value, str) else bytes(value)
    return heading(number, len(content)) + content


def heading(number: int, size: int) -> bytes:
    """What stands before the `size` bytes of such a field."""
    return encoded(number << 3 | LENGTH) + encoded(size)


def counting(number: int, value: int) -> bytes:
    """A field of an integer, 0 or more."""
    return encoded(number << 3 | VARINT) + encoded(value)


def encoded(value: int) -> bytes:
    """An integer of 0 or more as a varint."""
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
