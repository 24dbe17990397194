"""The ranking's weights: logistic regression on what questions and candidate passages have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.intent.assist.knowledge.ranking import FEATURES, Floats, Mode, Ranking
from training.knowledge.judging import Asked, build
from training.knowledge.questions import Corpus, Embed, Question

BETA = 0.5
"""The threshold is the best by F-beta of what is answered: an answer that is wrong costs more than none."""
MOST_WRONG = 0.125
"""And at most one in eight of the questions without an answer may be quoted one, however much more that would answer."""
FOLDS = 5


def fit(corpus: Corpus, questions: Sequence[Question], embed: Embed | None) -> dict[Mode, Ranking]:
    """Rankings of both modes that these questions support; without embeddings the words' one alone. Needs scikit-learn.

    The threshold is chosen by probabilities of questions that the weights were not fitted to.
    """
    modes: list[tuple[Mode, Embed | None]] = [("lexical", None), *([("hybrid", embed)] if embed else [])]  # type: ignore[list-item]
    fitted: dict[Mode, Ranking] = {}
    for mode, by in modes:
        seen = _seen(corpus, questions, by, mode)
        weights, bias = _weights(seen)
        fitted[mode] = Ranking(weights, bias, _threshold(_unseen(seen)))
    return fitted


def document(rankings: dict[Mode, Ranking]) -> dict[str, Any]:
    """As the service reads it."""
    return {
        mode: {
            "weights": {name: round(value, 4) for name, value in zip(FEATURES[mode], each.weights, strict=True)},
            "bias": round(each.bias, 4),
            "threshold": round(each.threshold, 4),
        }
        for mode, each in rankings.items()
    }


@dataclass(frozen=True, slots=True)
class _Candidates:
    """What one question found: `features` of shape (candidates, features), and which of them answer, (candidates,)."""

    question: Question
    features: Floats
    right: NDArray[np.bool_]

    def judged(self, ranking: Ranking) -> Asked:
        if not len(self.right):
            return Asked(bool(self.question.answer), 0, 0.0)
        odds = ranking.probability(self.features)
        order = np.argsort(-odds, kind="stable")
        places = np.flatnonzero(self.right[order])
        return Asked(bool(self.question.answer), int(places[0]) + 1 if len(places) else 0, float(odds[order[0]]))


def _seen(corpus: Corpus, questions: Sequence[Question], embed: Embed | None, mode: Mode) -> list[_Candidates]:
    flat = Ranking((0.0,) * len(FEATURES[mode]), 0.0, 0.5)
    index = build(corpus, {mode: flat}, embed)
    vectors = embed([each.text for each in questions], "query") if embed else [None] * len(questions)
    found = []
    for question, vector in zip(questions, vectors, strict=True):
        places, features = index.candidates(question.text, "en" if question.lang == "en" else "zh-CN", vector)
        right = np.array([corpus.names[place] == question.answer for place in places], dtype=np.bool_)
        found.append(_Candidates(question, features, right))
    return found


def _weights(seen: Sequence[_Candidates]) -> tuple[tuple[float, ...], float]:
    from sklearn.linear_model import LogisticRegression

    features, right = (np.concatenate([getattr(each, name) for each in seen]) for name in ("features", "right"))
    model = LogisticRegression(C=10.0, max_iter=2_000).fit(features, right)
    return tuple(float(value) for value in model.coef_[0]), float(model.intercept_[0])


def _unseen(seen: Sequence[_Candidates]) -> list[Asked]:
    """Every question judged by weights of the others; questions with one answer stand in one fold."""
    subjects = list(dict.fromkeys(each.question.answer or each.question.text for each in seen))
    turns = dict(zip(subjects, np.random.default_rng(0).permutation(len(subjects)) % FOLDS, strict=True))
    folds = [turns[each.question.answer or each.question.text] for each in seen]
    judged: list[Asked] = []
    for fold in range(FOLDS):
        ranking = Ranking(*_weights([each for each, turn in zip(seen, folds, strict=True) if turn != fold]), 0.5)
        judged += [each.judged(ranking) for each, turn in zip(seen, folds, strict=True) if turn == fold]
    return judged


def _threshold(asked: Sequence[Asked]) -> float:
    """The middle between the two neighbouring probabilities that the best threshold lies between."""
    levels = sorted({each.probability for each in asked})
    cuts = [(low + high) / 2 for low, high in pairwise(levels)] or levels
    careful = [cut for cut in cuts if _wrongly(asked, cut) <= MOST_WRONG]
    return max(careful or cuts[-1:], key=lambda cut: _f_beta(asked, cut))


def _wrongly(asked: Sequence[Asked], cut: float) -> float:
    """The share of the questions without an answer that are quoted one."""
    without = [each.probability >= cut for each in asked if not each.answerable]
    return sum(without) / max(len(without), 1)


def _f_beta(asked: Sequence[Asked], cut: float) -> float:
    given = [each for each in asked if each.probability >= cut]
    right = sum(each.answerable and each.rank == 1 for each in given)
    wanted = sum(each.answerable for each in asked)
    square = BETA * BETA
    return (1 + square) * right / (square * wanted + len(given)) if given else 0.0
