"""Sparse rows in plain arrays (CSR), small enough to read from the disk by memory map. Pure numpy."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Gathered:
    """Some rows laid end to end: entry e gives `value[e]` to `column[e]`; the n-th asked row ends before entry `ends[n]`."""

    ends: Ints
    column: Ints
    value: Floats
    columns: int

    def total(self) -> npt.NDArray[np.float32]:
        """Sum per column, shape (columns,)."""
        return np.bincount(self.column, self.value, self.columns).astype(np.float32)

    def strongest_row(self, column: int) -> int | None:
        """Which asked row gave most to a column; None where none gave anything."""
        here = np.flatnonzero(self.column == column)
        if not here.size:
            return None
        best = here[int(np.argmax(self.value[here]))]
        return int(np.searchsorted(self.ends, best, side="right")) if self.value[best] > 0 else None


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Row r holds `values[indptr[r]:indptr[r + 1]]` at `indices` of the same places; `columns` is the row width."""

    indptr: Ints
    indices: Ints
    values: Floats
    columns: int

    @property
    def rows(self) -> int:
        return len(self.indptr) - 1

    @classmethod
    def empty(cls, rows: int, columns: int) -> "Neighbours":
        return cls(np.zeros(rows + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float16), columns)

    def gather(self, rows: Ints, weights: Floats) -> Gathered:
        """The asked rows, each times its weight. `rows` and `weights` have one entry per asked row."""
        if not len(rows):
            return Gathered(np.zeros(0, np.int64), self.indices[:0], np.zeros(0, np.float32), self.columns)
        bounds = list(zip(self.indptr[rows].tolist(), self.indptr[rows + 1].tolist(), strict=True))
        lengths = np.array([end - begin for begin, end in bounds])
        # Slices are copied as blocks, which is several times quicker than asking for every place.
        column = np.concatenate([self.indices[begin:end] for begin, end in bounds])
        value = np.concatenate([self.values[begin:end] for begin, end in bounds]).astype(np.float32)
        value *= np.repeat(weights.astype(np.float32), lengths)
        return Gathered(np.cumsum(lengths), column, value, self.columns)

    def save(self, folder: Path, name: str) -> None:
        """Three files `name.{indptr,indices,values}.npy`."""
        for part in ("indptr", "indices", "values"):
            np.save(folder / f"{name}.{part}.npy", getattr(self, part), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, name: str, columns: int) -> "Neighbours":
        """Memory-mapped. ValueError where the three files do not fit together."""
        indptr, indices, values = (_mapped(folder / f"{name}.{part}.npy") for part in ("indptr", "indices", "values"))
        if len(indices) != len(values) or len(values) != int(indptr[-1]) or (len(indices) and indices.max() >= columns):
            raise ValueError(f"{name}: the arrays do not fit together")
        return cls(indptr, indices, values, columns)


def _mapped(path: Path) -> npt.NDArray[Any]:
    # A zero-length file cannot be mapped.
    array: npt.NDArray[Any] = np.load(path, allow_pickle=False)
    # A plain view of the map: the memmap class costs microseconds on every index.
    return array if array.size == 0 else np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)
