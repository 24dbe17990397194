"""What a model computes before it decides, for those who ask for it: logits, and the embedding of a text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    def run(self, batch: Sequence[Any]) -> Any: ...
    def run_raw(self, batch: Sequence[Any]) -> Any:
        """As `run`, with every output; `decode` takes it like what `run` gives."""

    def decode(self, logits: Any) -> Sequence[Understanding]: ...
    def raw(self, logits: Any) -> Sequence[Rows]:
        """Of what `run_raw` gave, one value a text."""


class InFull(str):
    """A text of which more is asked than what it says. The texts of a request are all of this kind, or none is."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """What a text says, and what that is made of."""

    said: Understanding
    rows: Rows


@dataclass(frozen=True, slots=True)
class _Full:
    """An encoded text that is to be shown."""

    encoded: Any

    @property
    def tokens(self) -> int:
        tokens: int = self.encoded.tokens
        return tokens


@dataclass(frozen=True, slots=True)
class _Mixed:
    """The outcome of a batch in which some texts are to be shown."""

    outcome: Any
    shown: Sequence[bool]


class Opened:
    """A transparent model as the batcher takes it: a text `InFull` is answered with `Shown`, any other as the model does.

    Both kinds wait in one queue and share batches, so that one bound, one pace and one order hold for all texts of a version.
    """

    def __init__(self, model: Transparent) -> None:
        self._model = model
        self.name = model.name
        self.version = model.version
        self.appetite = model.appetite

    def trouble(self) -> str | None:
        return self._model.trouble()

    def encode(self, texts: Sequence[str]) -> Sequence[Any]:
        encoded = self._model.encode(texts)
        return [_Full(each) for each in encoded] if isinstance(texts[0], InFull) else encoded

    def run(self, batch: Sequence[Any]) -> Any:
        shown = [isinstance(each, _Full) for each in batch]
        if not any(shown):
            return self._model.run(batch)
        bare = [each.encoded if isinstance(each, _Full) else each for each in batch]
        return _Mixed(self._model.run_raw(bare), shown)

    def decode(self, logits: Any) -> Sequence[Understanding | Shown]:
        if not isinstance(logits, _Mixed):
            return self._model.decode(logits)
        said, rows = self._model.decode(logits.outcome), self._model.raw(logits.outcome)
        return [
            Shown(each, made_of) if shown else each
            for each, made_of, shown in zip(said, rows, logits.shown, strict=True)
        ]
