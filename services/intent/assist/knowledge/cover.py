"""How much of a question each passage and each heading holds, by single characters and stems. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from services.intent.assist.knowledge.ranking import Floats


@dataclass(frozen=True, slots=True)
class Share:
    """The share of a question's weight that a passage has with its heading, `whole`, and that its `heading` has; a value a passage."""

    whole: Floats
    heading: Floats


class Cover:
    """Of passages given as the pieces of their headings and of their texts. A piece weighs what it says here: how rare it is."""

    def __init__(self, passages: Sequence[tuple[Iterable[str], Iterable[str]]]) -> None:
        wholes: dict[str, list[int]] = {}
        headings: dict[str, list[int]] = {}
        for place, (heading, text) in enumerate(passages):
            short = set(heading)
            for found, pieces in ((headings, short), (wholes, short | set(text))):
                for each in pieces:
                    found.setdefault(each, []).append(place)
        self._size = len(passages)
        self._wholes = {piece: np.array(places, dtype=np.int32) for piece, places in wholes.items()}
        self._headings = {piece: np.array(places, dtype=np.int32) for piece, places in headings.items()}

    def share(self, asked: Iterable[str]) -> Share:
        """A piece that no passage has counts against all of them, and weighs the most."""
        whole, heading = np.zeros(self._size, dtype=np.float32), np.zeros(self._size, dtype=np.float32)
        total = 0.0
        for piece in set(asked):
            places = self._wholes.get(piece, _NOWHERE)
            weight = float(np.log1p(self._size / (0.5 + len(places))))
            whole[places] += weight
            heading[self._headings.get(piece, _NOWHERE)] += weight
            total += weight
        return Share(whole / max(total, 1e-9), heading / max(total, 1e-9))


_NOWHERE = np.array([], dtype=np.int32)
