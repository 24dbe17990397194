"""Near-duplicates across splits: a model is to be judged on texts that it has not seen, nor all but seen.

`python -m training.intent.duplicates` removes from the validation files of `training/intent/data` what is, or nearly is, a row of
a test file, and from the training files also what is nearly a validation row, or the same as an earlier training row. Test files are
never changed.
"""

import csv
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from services.intent.characters import simplified

DATA = Path(__file__).with_name("data")
TRAIN = tuple(sorted((path.name for path in DATA.glob("*train*.csv")), key=lambda name: (len(name), name)))
"""Older files before newer ones: train_9 before train_10."""
VALIDATION = tuple(sorted(path.name for path in DATA.glob("*validation*.csv")))
TEST = tuple(sorted(path.name for path in DATA.glob("*test*.csv")))
NEAR = 0.7
"""Jaccard similarity of character trigrams from which two texts count as the same."""

Row = dict[str, str]


def core(text: str) -> str:
    """What makes a text: letters and digits in lower case, simplified, neither blanks nor punctuation nor emoji."""
    folded = simplified(unicodedata.normalize("NFKC", text)).lower()
    return "".join(char for char in folded if unicodedata.category(char)[0] in "LN")


def grams(text: str) -> frozenset[str]:
    """The character trigrams of the core with its ends marked; the core itself when that is empty."""
    marked = f"^{core(text)}$"
    return frozenset(marked[at : at + 3] for at in range(max(1, len(marked) - 2)))


def nearest(texts: Sequence[str], others: Sequence[str]) -> NDArray[np.float64]:
    """For each text its largest Jaccard similarity to one of `others`; shape (texts,)."""
    vocabulary: dict[str, int] = {}
    left, right = _matrix(texts, vocabulary), _matrix(others, vocabulary)
    width = len(vocabulary)
    left, right = (csr_matrix((m.data, m.indices, m.indptr), shape=(m.shape[0], width)) for m in (left, right))
    shared = (left @ right.T).tocoo()
    sizes, other_sizes = np.diff(left.indptr), np.diff(right.indptr)
    similarity = shared.data / (sizes[shared.row] + other_sizes[shared.col] - shared.data)
    best = np.zeros(len(texts))
    np.maximum.at(best, shared.row, similarity)
    return best


def _matrix(texts: Sequence[str], vocabulary: dict[str, int]) -> csr_matrix[np.float64]:
    rows = [[vocabulary.setdefault(gram, len(vocabulary)) for gram in sorted(grams(text))] for text in texts]
    ends = np.cumsum([0, *(len(row) for row in rows)])
    columns = np.array([column for row in rows for column in row], dtype=np.int64)
    return csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(rows), max(1, len(vocabulary))))


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def unseen(rows: Sequence[Row], test: Sequence[str], seen: set[str]) -> list[Row]:
    """The rows that are near no test text and whose core is not in `seen`, to which theirs are added."""
    kept = []
    for row, similarity in zip(rows, nearest([row["text"] for row in rows], test), strict=True):
        if similarity < NEAR and core(row["text"]) not in seen:
            kept.append(row)
            seen.add(core(row["text"]))
    return kept


def clean(folder: Path) -> dict[str, int]:
    """Rewrite the validation and training files in `folder`; how many rows each lost."""
    judged = [row["text"] for name in TEST for row in read(folder / name)]
    lost = {}
    for name in VALIDATION:
        lost[name] = _cut(folder / name, judged, set())
    judged += [row["text"] for name in VALIDATION for row in read(folder / name)]
    seen: set[str] = set()
    for name in TRAIN:
        lost[name] = _cut(folder / name, judged, seen)
    return lost


def _cut(path: Path, judged: Sequence[str], seen: set[str]) -> int:
    rows = read(path)
    kept = unseen(rows, judged, seen)
    if len(kept) < len(rows):
        _write(path, kept)
    return len(rows) - len(kept)


def _write(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    for name, count in clean(DATA).items():
        sys.stdout.write(f"{name}: {count} rows removed\n")
