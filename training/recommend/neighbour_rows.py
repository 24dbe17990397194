"""Cutting item-item scores down to the strongest entries of each row, as they are shipped."""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from services.recommend.neighbours import Neighbours


def strongest_of_dense(scores: npt.NDArray[np.float32], keep: int) -> Neighbours:
    """The `keep` largest positive scores of each row. float16: an error of at most 1 in 2,000 of a score."""
    rows, columns = scores.shape
    indices: list[npt.NDArray[Any]] = []
    values: list[npt.NDArray[np.float32]] = []
    for row in scores:
        chosen = np.argpartition(row, columns - keep)[columns - keep :] if columns > keep else np.arange(columns)
        chosen = np.sort(chosen[row[chosen] > 0])
        indices.append(chosen)
        values.append(row[chosen])
    return _rows(indices, values, rows, columns)


def strongest_of_sparse(scores: sp.csr_matrix, keep: int) -> Neighbours:
    """As `strongest_of_dense`, for a sparse matrix."""
    rows, columns = scores.shape
    indices: list[npt.NDArray[Any]] = []
    values: list[npt.NDArray[np.float32]] = []
    for row in range(rows):
        part = slice(scores.indptr[row], scores.indptr[row + 1])
        index, value = scores.indices[part], scores.data[part]
        if len(value) > keep:
            chosen = np.argpartition(value, len(value) - keep)[len(value) - keep :]
            index, value = index[chosen], value[chosen]
        order = np.argsort(index)[np.flatnonzero(value[np.argsort(index)] > 0)]
        indices.append(index[order])
        values.append(value[order])
    return _rows(indices, values, rows, columns)


def _rows(
    indices: list[npt.NDArray[Any]], values: list[npt.NDArray[np.float32]], rows: int, columns: int
) -> Neighbours:
    if not rows:
        return Neighbours.empty(rows, columns)
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in indices])]).astype(np.int64)
    return Neighbours(
        indptr, np.concatenate(indices).astype(np.int32), np.concatenate(values).astype(np.float16), columns
    )


def as_sparse(rows: Neighbours) -> sp.csr_matrix:
    """The same rows for scoring many people at once."""
    shape = (rows.rows, rows.columns)
    return sp.csr_matrix((rows.values.astype(np.float32), rows.indices, rows.indptr), shape=shape)
