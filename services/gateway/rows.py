"""One row a forwarded route: what it is, who may use it, how long and how large it may be."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel

ServiceName = Literal["profile", "recommend", "intent", "insurance"]
Body = Literal["none", "json", "ndjson", "tensors"]
"""`tensors`: JSON of the Open Inference Protocol, perhaps with tensors behind it as bytes."""
NDJSON = "application/x-ndjson"

FORWARDED_MS = 5_000
STREAMED_MS = 600_000

_PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A public route of a back end, forwarded byte for byte.

    Only servers may use a row unless it is `for_people`; then `people` is where the body names users, as `user_id`,
    `batch.*.user_id` or nothing, and a person's credential may only name its own. `streamed` answers are passed on as
    they come, and so are NDJSON bodies. `backend_path` is the back end's own path where it has another name for it.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    service: ServiceName
    scope: str
    summary: str
    answer: type[BaseModel] | None = None
    body: Body = "none"
    question: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    status: int = 200
    idempotent: bool = True
    streamed: bool = False
    for_people: bool = False
    people: str = ""
    backend_path: str = ""
    errors: Mapping[int, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """A unique name: `GET /v1/items` is `get_items`."""
        words = re.findall(r"\w+", self.path.removeprefix("/v1"))
        return "_".join([self.method.lower(), *words])

    @property
    def reads(self) -> bool:
        """Changes nothing, by its scope: so it ends with its caller, where a write is finished (a page may send one and close)."""
        return self.method == "GET" or self.scope == "understand" or self.scope.endswith(":read")

    @property
    def parameters(self) -> list[str]:
        """Names in the path."""
        return _PARAMETER.findall(self.path)
