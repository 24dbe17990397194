"""What the catalogue itself says: categories, and the words of titles. This is all that a new item has."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from services.recommend.neighbours import Neighbours
from training.recommend.neighbour_rows import strongest_of_sparse

_WORDS = re.compile(r"[a-z0-9]+|[\u3400-\u9fff]+")


@dataclass(frozen=True, slots=True)
class TextConfig:
    """Words of more than `common` of the titles say nothing, in catalogues where that is more than `few` titles."""

    neighbours: int = 100
    common: float = 0.05
    few: int = 100
    block: int = 512


def category_rows(categories: Sequence[Sequence[str]], names: Sequence[str]) -> tuple[Neighbours, Neighbours]:
    """Item x category, each worth 1 / sqrt(items in it + 1); and category x item, each worth 1."""
    column = {name: number for number, name in enumerate(names)}
    pairs = [(row, column[name]) for row, named in enumerate(categories) for name in dict.fromkeys(named)]
    rows, columns = (
        (np.array(part, np.int64) for part in zip(*pairs, strict=True)) if pairs else (np.zeros(0, int),) * 2
    )
    shape = (len(categories), len(names))
    belongs = sp.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)
    inside = np.asarray(belongs.sum(axis=0)).ravel()
    worth = sp.csr_matrix(belongs @ sp.diags(1 / np.sqrt(inside + 1)))
    return _single(worth), _single(sp.csr_matrix(belongs.T))


def _single(matrix: sp.csr_matrix) -> Neighbours:
    matrix.sort_indices()
    return Neighbours(
        matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data.astype(np.float32), matrix.shape[1]
    )


def title_rows(titles: Sequence[str], config: TextConfig) -> Neighbours:
    """Item x item: the cosine of the titles' words (log tf, smoothed idf), the strongest of each row, the diagonal empty."""
    vectors = _vectors(titles, config)
    size = len(titles)
    blocks: list[Neighbours] = []
    for begin in range(0, size, config.block):
        alike = sp.csr_matrix(vectors[begin : begin + config.block] @ vectors.T)
        count = alike.shape[0]
        own = sp.csr_matrix((np.ones(count), (np.arange(count), np.arange(begin, begin + count))), shape=alike.shape)
        blocks.append(strongest_of_sparse(sp.csr_matrix(alike - alike.multiply(own)), config.neighbours))
    return _stacked(blocks, size)


def words(title: str) -> list[str]:
    """Lower-case words; of Chinese, which has no spaces, every two neighbouring characters."""
    found: list[str] = []
    for word in _WORDS.findall(title.lower()):
        pairs = [word[at : at + 2] for at in range(len(word) - 1)] or [word]
        found.extend(pairs if word[0] >= "\u3400" else [word])
    return found


def _vectors(titles: Sequence[str], config: TextConfig) -> sp.csr_matrix:
    counted = [Counter(words(title)) for title in titles]
    titles_with = Counter(word for counts in counted for word in counts)
    allowed = max(config.few, config.common * len(titles))
    kept = {word: number for number, word in enumerate(w for w, n in titles_with.items() if 1 < n <= allowed)}
    entries = [
        (row, kept[word], 1 + np.log(n)) for row, c in enumerate(counted) for word, n in c.items() if word in kept
    ]
    rows, columns, values = (np.array(part) for part in zip(*entries, strict=True)) if entries else (np.zeros(0),) * 3
    matrix = sp.csr_matrix((values, (rows.astype(int), columns.astype(int))), shape=(len(titles), len(kept)))
    found = np.array([titles_with[word] for word in kept], np.float64)
    matrix = sp.csr_matrix(matrix @ sp.diags(np.log((1 + len(titles)) / (1 + found)) + 1))
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sp.csr_matrix(sp.diags(1 / np.maximum(length, 1e-12)) @ matrix, dtype=np.float32)


def _stacked(blocks: Sequence[Neighbours], columns: int) -> Neighbours:
    if not blocks:
        return Neighbours.empty(0, columns)
    lengths = np.concatenate([np.diff(block.indptr) for block in blocks])
    return Neighbours(
        np.concatenate([[0], np.cumsum(lengths)]),
        np.concatenate([block.indices for block in blocks]),
        np.concatenate([block.values for block in blocks]),
        columns,
    )
