"""Cursor pages: opaque to the caller, the values of the last row's sort key to us."""

import base64
import binascii
from typing import Generic, TypeVar

import orjson

from services.kit.errors import BadRequest
from services.kit.wire import MessageModel

T = TypeVar("T")


class Page(MessageModel, Generic[T]):
    """One page of a list. Pass `next_cursor` as `cursor` to read on."""

    data: list[T]
    has_more: bool
    next_cursor: str | None = None


def encode_cursor(*values: str | float | None) -> str:
    """The sort key of the last row shown, as URL-safe text."""
    return base64.urlsafe_b64encode(orjson.dumps(values)).rstrip(b"=").decode()


def decode_cursor(cursor: str, length: int) -> list[str | int | float | None]:
    """The `length` values of a cursor that we made; anything else is a 400 that names `cursor`."""
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
    except (binascii.Error, UnicodeEncodeError, orjson.JSONDecodeError):
        values = None
    if not isinstance(values, list) or len(values) != length or any(isinstance(v, list | dict) for v in values):
        raise BadRequest("The cursor is not one that this route gave out.", param="cursor")
    return values
