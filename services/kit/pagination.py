"""Cursor pages: opaque to the caller; to us the list and the values of the last row's sort key."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import orjson

from services.kit.errors import BadRequest
from services.kit.wire import MessageModel

T = TypeVar("T")
Kind = type[str] | type[int] | type[datetime]


class Page(MessageModel, Generic[T]):
    """One page of a list. Pass `next_cursor` as `cursor` to read on."""

    data: list[T]
    has_more: bool
    next_cursor: str | None = None


def encode_cursor(of: str, *values: str | int | datetime) -> str:
    """The sort key of the last row shown of the list `of`, which is named by its path, as URL-safe text."""
    return base64.urlsafe_b64encode(orjson.dumps([of, *values])).rstrip(b"=").decode()


def decode_cursor(of: str, cursor: str, *kinds: Kind) -> tuple[Any, ...]:
    """The values of a cursor that the list `of` gave out, each of its kind; anything else is a 400 that names `cursor`.

    Another list's cursor would fit where its key has the same shape, and silently leave rows out.
    """
    try:
        made_for, *values = orjson.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
        if made_for == of:
            return tuple(_value(each, kind) for each, kind in zip(values, kinds, strict=True))
    except (binascii.Error, ValueError, TypeError, OverflowError):
        pass
    raise BadRequest("The cursor is not one that this list gave out.", param="cursor")


def _value(value: object, kind: Kind) -> str | int | datetime:
    """Raises ValueError or OverflowError for what the database could not even compare."""
    if kind is int:
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31:
            return value
        raise ValueError
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError
    if kind is str:
        return value
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)
