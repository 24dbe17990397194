"""Embeddings of a trained model, of unit length, for texts to be compared by meaning: what `kuajie train embedding` reads from its
layers, or the mean of the last one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from services.intent.model import Appetite
from services.intent.trained.package import Package
from services.intent.trained.running import Runner
from services.intent.trained.tokens import cut

OUTPUT = "embedding"
MAX_TOKENS = 320
"""Passages are longer than what the model classifies; its positions go on to 512."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text as token ids."""

    ids: tuple[int, ...]

    @property
    def tokens(self) -> int:
        return len(self.ids)


class Embedding:
    """The three verbs over a model's runner, for texts that have their role already; an answer is a vector of shape (width,)."""

    def __init__(self, package: Package, tokenizer: Tokenizer, runner: Runner, appetite: Appetite) -> None:
        self.appetite = appetite
        self.name = package.description.name
        self.version = package.manifest.version
        self._pad_id = package.description.pad_id
        self._runner = runner
        self._tokenizer = tokenizer

    def trouble(self) -> str | None:
        """The model whose encoder this is tells of a lost device."""
        return None

    def encode(self, texts: Sequence[str]) -> list[Tokens]:
        return [Tokens(tuple(cut(each, MAX_TOKENS))) for each in self._tokenizer.encode_batch_fast(list(texts))]

    def run(self, batch: Sequence[Tokens]) -> Vectors:
        longest = max(each.tokens for each in batch)
        ids = np.full((len(batch), longest), self._pad_id, dtype=np.int64)
        mask = np.zeros((len(batch), longest), dtype=np.int64)
        for place, each in enumerate(batch):
            ids[place, : each.tokens] = each.ids
            mask[place, : each.tokens] = 1
        [vectors] = self._runner.run(ids, mask, [OUTPUT])
        return np.asarray(vectors, dtype=np.float32)

    def decode(self, logits: Vectors) -> list[Vectors]:
        return list(logits)


def embeds(session: Any) -> bool:
    """Whether a session has embeddings among its outputs."""
    return any(output.name == OUTPUT for output in session.get_outputs())
