"""Recall, no-answer and what is said, with bootstrap intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.intent.assist.knowledge.bm25 import load_common
from services.intent.assist.knowledge.index import Index
from services.intent.assist.knowledge.passages import Passage, embedded_text
from services.intent.assist.knowledge.ranking import ANSWERS, NEAR, Mode, Ranking
from training.knowledge.questions import Corpus, Embed, Question, Vectors

RESAMPLES = 1_000
DEPTH = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """What one search gave. `rank` of the right passage from 1, 0 where it is not among the candidates or there is none.

    `probability` is that of the first passage, `right` that of the right one.
    """

    answerable: bool
    rank: int
    probability: float
    right: float = 0.0


def build(corpus: Corpus, rankings: Mapping[Mode, Ranking], embed: Embed | None) -> Index:
    """The index as the service builds it."""
    return Index(corpus.passages, _vectors(corpus, embed), rankings, load_common())


def ask(index: Index, corpus: Corpus, questions: Sequence[Question], embed: Embed | None) -> list[Asked]:
    """Every question searched for."""
    vectors = embed([each.text for each in questions], "query") if embed else [None] * len(questions)
    return [_asked(index, corpus, question, vector) for question, vector in zip(questions, vectors, strict=True)]


def figures(asked: Sequence[Asked], threshold: float, seed: int = 0) -> dict[str, Any]:
    """Each figure with the 95 % interval of a bootstrap over questions; None where no question tells it."""
    rows = [(each.answerable, each.rank, each.probability, each.right) for each in asked]
    table = np.array(rows, dtype=np.float64)
    random = np.random.default_rng(seed)
    drawn = [_measured(table[random.integers(0, len(table), len(table))], threshold) for _ in range(RESAMPLES)]
    found = _measured(table, threshold)
    bounds = {name: _interval([each[name] for each in drawn]) for name in found}
    report = {
        name: {"value": _told(value), "interval": [_told(at) for at in bounds[name]]} for name, value in found.items()
    }
    return {"questions": len(table), "answerable": int(table[:, 0].sum()), "threshold": threshold, **report}


def _measured(table: NDArray[np.float64], threshold: float) -> dict[str, float]:
    """`right_when_answered`: of all answers given, those from the right passage. `no_answer_*` takes "no answer" as the positive.

    `offered`: of the questions with an answer, those where nothing is quoted and the right passage is among those that are offered.
    """
    answerable, rank, probability = table[:, 0] == 1, table[:, 1], table[:, 2]
    spoken = probability >= threshold
    offered = ~spoken & (probability >= NEAR * threshold)
    within = offered & (rank >= 1) & (rank <= ANSWERS) & (table[:, 3] >= NEAR * threshold)
    right = spoken & answerable & (rank == 1)
    silent_rightly = (~spoken & ~answerable).sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "recall_at_1": _share(rank[answerable] == 1),
            "recall_at_3": _share((rank[answerable] >= 1) & (rank[answerable] <= 3)),
            "no_answer_auroc": _auroc(probability[answerable], probability[~answerable]),
            "no_answer_f1": float(2 * silent_rightly / ((~spoken).sum() + (~answerable).sum())),
            "answered": _share(spoken[answerable]),
            "right_when_answered": float(right.sum() / np.float64(spoken.sum())),
            "wrongly_answered": _share(spoken[~answerable]),
            "offered": _share(within[answerable]),
            "wrongly_offered": _share(offered[~answerable]),
        }


def _share(held: NDArray[np.bool_]) -> float:
    """NaN of none at all: a language may have no question without an answer."""
    return float(held.mean()) if held.size else float("nan")


def _told(figure: float) -> float | None:
    """Rounded; None where there is no figure, since JSON has no NaN."""
    return None if np.isnan(figure) else round(float(figure), 4)


def _interval(drawn: Sequence[float]) -> NDArray[np.float64]:
    told = np.array(drawn)[~np.isnan(drawn)]
    return np.percentile(told, [2.5, 97.5]) if told.size else np.full(2, np.nan)


def _auroc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """The chance that a positive scores above a negative, ties counting half."""
    above = positive[:, None] - negative[None, :]
    return float(((above > 0) + 0.5 * (above == 0)).mean()) if above.size else float("nan")


def _asked(index: Index, corpus: Corpus, question: Question, vector: Vectors | None) -> Asked:
    hits = index.search(question.text, "en" if question.lang == "en" else "zh-CN", vector, limit=DEPTH)
    names = [corpus.names[hit.place] for hit in hits]
    rank = names.index(question.answer) + 1 if question.answer in names else 0
    right = hits[rank - 1].probability if rank else 0.0
    return Asked(bool(question.answer), rank, hits[0].probability if hits else 0.0, right)


def _vectors(corpus: Corpus, embed: Embed | None) -> Vectors | None:
    if embed is None:
        return None
    texts = [embedded_text(Passage(each.heading, None, each.text, each.locale)) for each in corpus.passages]
    return embed(texts, "passage")
