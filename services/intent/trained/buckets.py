"""Fixed shapes for accelerators: a CUDA graph and a TensorRT profile know shapes, not batches. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


class Bucket(NamedTuple):
    """A shape that batches are padded to."""

    rows: int
    tokens: int

    def holds(self, rows: int, tokens: int) -> bool:
        return rows <= self.rows and tokens <= self.tokens


def smallest_holding(rows: int, tokens: int, buckets: Sequence[Bucket]) -> Bucket | None:
    """The bucket with the fewest places that holds a batch; None where none does."""
    holding = [each for each in buckets if each.holds(rows, tokens)]
    return min(holding, key=lambda each: (each.rows * each.tokens, each), default=None)


def filled(ids: Integers, mask: Integers, bucket: Bucket, pad_id: int) -> tuple[Integers, Integers]:
    """The batch padded to the bucket's shape.

    A row that is no text attends to one padding token: with nothing to attend to, its softmax would be no number.
    """
    rows, tokens = ids.shape
    wide = np.full(bucket, pad_id, dtype=np.int64)
    seen = np.zeros(bucket, dtype=np.int64)
    wide[:rows, :tokens], seen[:rows, :tokens] = ids, mask
    seen[rows:, 0] = 1
    return wide, seen


def pieces(rows: int, buckets: Sequence[Bucket]) -> list[slice]:
    """`rows` in pieces of no more than the largest bucket has; one piece where there are no buckets."""
    most = max((each.rows for each in buckets), default=rows)
    return [slice(start, min(start + most, rows)) for start in range(0, rows, most)]
