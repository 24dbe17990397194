"""Near-duplicates by MinHash with banding. Pure.

Broder, On the resemblance and containment of documents (1997); banding as in Indyk and Motwani (1998). The hash functions are
multiply-shift (Dietzfelbinger et al. 1997) on 64-bit shingles.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.intent.characters import simplified

Words = NDArray[np.uint64]
Signature = NDArray[np.uint32]

PERMUTATIONS = 128
BANDS = 32
ROWS = PERMUTATIONS // BANDS
"""Two texts of Jaccard similarity s meet in a band with probability 1 - (1 - s^4)^32: .9998 at .7, .87 at .5, .23 at .3."""

NEAR = 0.7
"""Jaccard similarity of shingles from which two texts count as one."""

WORTH_A_LOOK = 0.58
"""Estimated similarity from which a candidate's text is read: three standard errors (.04) below `NEAR`."""

MOST_CANDIDATES = 8
"""Candidates of one text that are held against it, the likeliest first."""

LETTERS = 3
"""Consecutive letters of a shingle of Chinese text."""

WORDS = 2
"""Consecutive words of a shingle of other text."""

FEWEST_LETTERS = 12
FEWEST_WORDS = 6
"""Shorter texts have no near-duplicates: many people write "terrible service", and each of them counts."""

_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+")
_CHINESE_SHARE = 0.2
_PASSING = re.compile(r"https?://[\x21-\x7e]+|www\.[\x21-\x7e]+|#[^#\s]{1,40}#|[@#][\w·.-]{1,30}|\bRT\b")
"""Links, hashtags as Weibo closes them, handles and other hashtags, RT. Chinese text goes on after them without a blank."""
_WORD = re.compile(r"\w+")
_NO_LETTERS = re.compile(r"[\W_]+")
"""All but letters and numbers (Unicode's L and N)."""
_RANDOM = np.random.Generator(np.random.PCG64(1997))
_FACTORS: Words = _RANDOM.integers(0, 2**63, PERMUTATIONS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_SHIFTS: Words = _RANDOM.integers(0, 2**63, PERMUTATIONS, dtype=np.uint64)
_BASE = np.uint64(0x9E3779B97F4A7C15)
_REMEMBERED = 16_384
"""Words whose hash is remembered: a few thousand are most of any text."""

_CHUNK = 256
"""Shingles that are hashed at a time: their hashes stay in the processor's cache."""


def shingles(text: str) -> Words | None:
    """The distinct shingles of `text` as 64-bit hashes, shape (shingles,); None for a text too short to be compared.

    Links, handles, hashtags, punctuation, letter case and traditional characters make no difference.
    """
    folded = simplified(unicodedata.normalize("NFKC", _PASSING.sub(" ", text))).casefold()
    letters = _NO_LETTERS.sub("", folded)
    chinese = len(folded) - len(_CHINESE.sub("", folded))
    if chinese >= _CHINESE_SHARE * max(1, len(letters)):
        return _runs(np.frombuffer(letters.encode("utf-32-le", "surrogatepass"), dtype="<u4"), LETTERS, FEWEST_LETTERS)
    return _runs([_hash(word) for word in _WORD.findall(folded)], WORDS, FEWEST_WORDS)


def signature(text: str) -> Signature | None:
    """The signature of a text's shingles; None for a text too short."""
    found = shingles(text)
    return None if found is None else signed(found)


def signed(found: Words) -> Signature:
    """The least hash of shingles under each permutation, shape (PERMUTATIONS,)."""
    least = np.full(PERMUTATIONS, np.iinfo(np.uint64).max, dtype=np.uint64)
    for begin in range(0, len(found), _CHUNK):
        mixed = found[np.newaxis, begin : begin + _CHUNK] * _FACTORS[:, np.newaxis]
        mixed += _SHIFTS[:, np.newaxis]
        np.minimum(least, mixed.min(axis=1), out=least)
    return (least >> np.uint64(32)).astype(np.uint32)


def bands(own: Signature) -> list[int]:
    """One signed 64-bit number a band; texts that share one are candidates. The band's own number is mixed in."""
    rows = own.reshape(BANDS, ROWS).astype(np.uint64)
    mixed = np.arange(1, BANDS + 1, dtype=np.uint64) * _BASE
    for column in range(ROWS):
        mixed = _mix(mixed ^ rows[:, column])
    return [int(value) for value in mixed.view(np.int64)]


def similarity(one: Signature, others: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Estimated Jaccard similarity of one signature to each of `others`, shape (others, PERMUTATIONS)."""
    return np.asarray((others == one).mean(axis=1), dtype=np.float64)


def nearest(
    own: Words, sign: Signature, others: NDArray[np.uint32], words_of: Callable[[int], Words | None]
) -> tuple[int, float] | None:
    """Which of `others`, signatures of shape (others, PERMUTATIONS), is nearest, and its similarity; None where none is near.

    Estimates choose whose shingles are read; these decide. `words_of` gives the shingles of one of `others` by its place.
    """
    estimates = similarity(sign, others)
    likely = np.flatnonzero(estimates >= WORTH_A_LOOK)
    likely = likely[np.argsort(-estimates[likely], kind="stable")[:MOST_CANDIDATES]]
    exact = {place: jaccard(own, words) for place in likely.tolist() if (words := words_of(place)) is not None}
    best = max(exact, key=lambda place: exact[place], default=None)
    return None if best is None or exact[best] < NEAR else (best, exact[best])


def jaccard(one: Words, other: Words) -> float:
    """The exact similarity of two sets of shingles."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)


def _runs(units: Sequence[int] | NDArray[np.uint32], length: int, fewest: int) -> Words | None:
    """Hashes of all runs of `length` consecutive units."""
    if len(units) < fewest:
        return None
    numbers = np.array(units, dtype=np.uint64)
    mixed = np.zeros(len(units) - length + 1, dtype=np.uint64)
    for offset in range(length):
        mixed = _mix(mixed * _BASE + numbers[offset : len(numbers) - length + 1 + offset])
    return np.unique(mixed)


def _mix(values: NDArray[Any]) -> Words:
    """The finaliser of SplitMix64 (Steele et al. 2014): every bit in reaches every bit out."""
    mixed = values.astype(np.uint64, copy=True)
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


@lru_cache(_REMEMBERED)
def _hash(word: str) -> int:
    """FNV-1a: the same in every process, unlike `hash`."""
    value = 0xCBF29CE484222325
    for byte in word.encode("utf-8", "surrogatepass"):
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value
