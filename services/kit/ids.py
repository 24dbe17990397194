"""Identifiers of our own: a prefix that tells the kind, and a UUIDv7 (RFC 9562) that sorts by time."""

import uuid

import uuid_utils


def uuid7() -> uuid.UUID:
    """A time-ordered UUID as the standard library's type."""
    return uuid.UUID(int=uuid_utils.uuid7().int)


def new_id(prefix: str) -> str:
    """`prefix_` and 32 hexadecimal digits, e.g. `quo_0192f0c1…`."""
    return f"{prefix}_{uuid_utils.uuid7().hex}"
