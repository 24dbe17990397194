"""The passages of one tenant in memory: candidates by words and by embeddings, fused, re-ranked. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.intent.assist.knowledge.bm25 import Bm25, Common, Match
from services.intent.assist.knowledge.cover import Cover, Share
from services.intent.assist.knowledge.ranking import FEATURES, Floats, Mode, Ranking
from services.intent.assist.knowledge.terms import pieces, terms
from services.kit.wire import Locale

CANDIDATES = 20
FUSION_K = 60
"""The constant of reciprocal rank fusion (Cormack et al. 2009)."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """A passage as it is searched. `heading` is its title, section and question; `text` what may be quoted."""

    key: tuple[str, int]
    heading: str
    text: str
    locale: Locale

    @property
    def nearest(self) -> str:
        """The last heading above it."""
        return self.heading.rsplit(" › ", 1)[-1]


@dataclass(frozen=True, slots=True)
class Hit:
    """`place` is the passage's place in the index, `probability` that it answers."""

    place: int
    probability: float


class Index:
    """Built once from passages and, where all of them have one, their embeddings of unit length, (passages, width)."""

    def __init__(
        self, passages: Sequence[Indexed], vectors: Floats | None, rankings: Mapping[Mode, Ranking], common: Common
    ) -> None:
        self.passages = passages
        self._vectors = vectors
        self._rankings = rankings
        # A heading says in few words what its text is about: its terms count twice.
        self._whole = Bm25([terms(each.heading) * 2 + terms(each.text) for each in passages], common)
        self._cover = Cover([(pieces(each.nearest), pieces(each.text)) for each in passages])
        self._english = np.array([each.locale == "en" for each in passages], dtype=np.float32)

    def mode(self, vector: Floats | None) -> Mode:
        """`hybrid` when the question and all passages have embeddings."""
        return "hybrid" if vector is not None and self._vectors is not None else "lexical"

    def search(self, question: str, locale: Locale, vector: Floats | None, *, limit: int) -> list[Hit]:
        """The best passages first, each with its probability; `answers` says which of them count."""
        places, features = self.candidates(question, locale, vector)
        odds = self._rankings[self.mode(vector)].probability(features)
        order = np.argsort(-odds, kind="stable")[:limit]
        return [Hit(int(places[at]), float(odds[at])) for at in order]

    def answers(self, hits: Sequence[Hit], vector: Floats | None) -> list[Hit]:
        """Those whose probability is above the threshold of the mode."""
        threshold = self._rankings[self.mode(vector)].threshold
        return [hit for hit in hits if hit.probability >= threshold]

    def near(self, hits: Sequence[Hit], vector: Floats | None) -> list[Hit]:
        """Those that come near: worth being offered by their headings, and not sure enough to be quoted."""
        ranking = self._rankings[self.mode(vector)]
        return [hit for hit in hits if ranking.near <= hit.probability < ranking.threshold]

    def candidates(self, question: str, locale: Locale, vector: Floats | None) -> tuple[np.ndarray, Floats]:
        """Places of the candidates, and their features in the order of the mode, shape (candidates, features)."""
        asked = terms(question)
        whole = self._whole.match(asked)
        cosine = None if vector is None or self._vectors is None else self._vectors @ vector
        places = _fused([whole.score, *([] if cosine is None else [cosine])])
        columns = (
            self._columns(whole, cosine, locale)
            | self._shares(self._cover.share(pieces(question)))
            | {"length": np.full(len(whole.score), np.log1p(len(set(asked))))}
        )
        named = FEATURES[self.mode(vector)]
        return places, np.stack([columns[name][places] for name in named], axis=1).astype(np.float64)

    def _columns(self, whole: Match, cosine: Floats | None, locale: Locale) -> dict[str, Floats]:
        same_language = self._english if locale == "en" else 1 - self._english
        columns: dict[str, Floats] = {
            "coverage": whole.coverage,
            "evidence": np.log1p(whole.evidence),
            "language": same_language,
        }
        return columns if cosine is None else {**columns, "cosine": cosine, "lead": self._lead(cosine)}

    def _shares(self, share: Share) -> dict[str, Floats]:
        """A passage on something else of the same subject holds less of the question than another: 险退了 has its 退 in 退保."""
        return {
            "share_lead": self._lead(share.whole),
            "heading": share.heading,
            "heading_lead": self._lead(share.heading),
        }

    def _lead(self, score: Floats) -> Floats:
        """How far each passage is before the best other one of its language; less than nothing for all but the first.

        A question that is answered has one passage that stands out; what lies near to many is answered by none of them.
        """
        lead = np.zeros(len(score), dtype=np.float32)
        for part in (np.flatnonzero(self._english == 1), np.flatnonzero(self._english == 0)):
            if len(part) > 1:
                second, first = np.sort(score[part])[-2:]
                lead[part] = score[part] - first
                lead[part[np.argmax(score[part])]] = first - second
        return lead


def _fused(scores: Sequence[Floats]) -> np.ndarray:
    """The places that are best by reciprocal rank fusion of several scores; places that no score speaks for are left out."""
    fused = np.zeros(len(scores[0]))
    for score in scores:
        best = np.argsort(-score, kind="stable")[:CANDIDATES]
        best = best[score[best] > 0]
        fused[best] += 1 / (FUSION_K + 1 + np.arange(len(best)))
    order = np.argsort(-fused, kind="stable")[:CANDIDATES]
    return order[fused[order] > 0]
