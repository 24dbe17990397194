"""Keys of servers: only their SHA-256 is at rest, so the file cannot be used to call us."""

import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter

from services.kit.identity import Caller

TENANT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""Tenants lead keys of storage and names of folders, so that they are spelt narrowly."""


class ServerKey(BaseModel):
    """One entry of the keys file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key_id: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    tenant_id: Annotated[str, StringConstraints(pattern=rf"^{TENANT_ID.pattern}$")]
    scopes: frozenset[str]
    kind: Literal["server"] = "server"


_KEYS = TypeAdapter(list[ServerKey])

ServerKeys = Mapping[str, Caller]
"""Who a key is, by the SHA-256 of the key in hexadecimal digits."""


def parse_keys(content: bytes) -> ServerKeys:
    """The keys file as a look-up. ValueError when it is not such a file, or when two entries share a key or an id."""
    entries = _KEYS.validate_json(content)
    callers = {entry.sha256: Caller(entry.tenant_id, entry.key_id, "server", entry.scopes) for entry in entries}
    if len(callers) != len(entries) or len({entry.key_id for entry in entries}) != len(entries):
        raise ValueError("two entries of the keys file share a key or a key_id")
    return callers


def key_digest(key: str) -> str:
    """How a key is looked up. Keys are long and random, so that one round of SHA-256 is enough."""
    return hashlib.sha256(key.encode()).hexdigest()
