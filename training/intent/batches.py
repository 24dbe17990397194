"""Batches of texts of like length, so that little of the computation is padding."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from training.intent.rows import Row, Vocabulary

_POOL = 16
"""Batches that are sorted by length together: large enough to save padding, small enough to stay random."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Texts as token ids, and each task's class indices."""

    tokens: list[list[int]]
    targets: dict[str, Tensor]

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True, slots=True)
class Batch:
    """Ids and mask of shape (batch, longest), targets of shape (batch,) by task, and the rows' places."""

    input_ids: Tensor
    attention_mask: Tensor
    targets: dict[str, Tensor]
    places: list[int]


def encode(
    rows: Sequence[Row], tokenizer: PreTrainedTokenizerFast, vocabulary: Vocabulary, *, prefix: str, max_tokens: int
) -> Encoded:
    """All rows at once; there may be none."""
    texts = [prefix + row.text for row in rows]
    tokens = (
        tokenizer(texts, truncation=True, max_length=max_tokens, add_special_tokens=True)["input_ids"] if texts else []
    )
    indices = [vocabulary.indices(row) for row in rows]
    targets = {task: torch.tensor([each[task] for each in indices]) for task in vocabulary.classes}
    return Encoded(tokens, targets)


def collate(data: Encoded, places: Sequence[int], pad_id: int) -> Batch:
    """The rows at `places`, padded to the longest of them."""
    longest = max(len(data.tokens[place]) for place in places)
    ids = torch.full((len(places), longest), pad_id)
    mask = torch.zeros((len(places), longest), dtype=torch.long)
    for index, place in enumerate(places):
        row = data.tokens[place]
        ids[index, : len(row)] = torch.tensor(row)
        mask[index, : len(row)] = 1
    chosen = torch.tensor(list(places))
    return Batch(ids, mask, {task: values[chosen] for task, values in data.targets.items()}, list(places))


def shuffled(
    data: Encoded, batch_size: int, pad_id: int, random: np.random.Generator, *, share: tuple[int, int] = (0, 1)
) -> Iterator[Batch]:
    """One epoch in random order, lengths alike within a batch.

    `share` is (process, processes): each process gets its own batches, as many as every other.
    """
    order = random.permutation(len(data))
    groups: list[list[int]] = []
    for start in range(0, len(order), batch_size * _POOL):
        pool = sorted(order[start : start + batch_size * _POOL].tolist(), key=lambda place: len(data.tokens[place]))
        groups += [pool[at : at + batch_size] for at in range(0, len(pool), batch_size)]
    process, processes = share
    turns = random.permutation(len(groups))
    for index in turns[process : len(turns) // processes * processes : processes]:
        yield collate(data, groups[index], pad_id)


def in_order(data: Encoded, batch_size: int, pad_id: int) -> Iterator[Batch]:
    """Every row once, shortest first; `places` tells which is which."""
    order = sorted(range(len(data)), key=lambda place: len(data.tokens[place]))
    for at in range(0, len(order), batch_size):
        yield collate(data, order[at : at + batch_size], pad_id)
