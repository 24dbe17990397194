"""What a model computes before it decides, for those who ask for it: logits, and the embedding of a text."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from services.intent.model import Appetite, Understanding

Rows = Mapping[str, NDArray[np.float32]]
"""One text's values by the name of the output, each of shape (width,)."""


@runtime_checkable
class Transparent(Protocol):
    """A model that shows them; like the three verbs, on threads."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def appetite(self) -> Appetite: ...
    def trouble(self) -> str | None: ...
    @property
    def raw_outputs(self) -> Mapping[str, int]:
        """Widths by name."""

    def encode(self, texts: Sequence[str]) -> Sequence[Any]: ...
    def run_raw(self, batch: Sequence[Any]) -> Any:
        """As `run`, with every output; `decode` takes it like what `run` gives."""

    def decode(self, logits: Any) -> Sequence[Understanding]: ...
    def raw(self, logits: Any) -> Sequence[Rows]:
        """Of what `run_raw` gave, one value a text."""


class Opened:
    """A transparent model as the batcher takes it: its answers bring what they are made of."""

    def __init__(self, model: Transparent) -> None:
        self._model = model
        self.name = model.name
        self.version = model.version
        self.appetite = model.appetite

    def trouble(self) -> str | None:
        return self._model.trouble()

    def encode(self, texts: Sequence[str]) -> Sequence[Any]:
        return self._model.encode(texts)

    def run(self, batch: Sequence[Any]) -> Any:
        return self._model.run_raw(batch)

    def decode(self, logits: Any) -> list[tuple[Understanding, Rows]]:
        return list(zip(self._model.decode(logits), self._model.raw(logits), strict=True))
