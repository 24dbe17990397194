"""The ranking's weights: logistic regression on what questions and candidate passages have in common."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from services.intent.assist.knowledge.index import Index
from services.intent.assist.knowledge.ranking import FEATURES, Mode, Ranking
from training.knowledge.judging import Asked, ask, build
from training.knowledge.questions import Corpus, Embed, Question

BETA = 0.5
"""The threshold is the best by F-beta of what is answered: an answer that is wrong costs more than none."""


def fit(corpus: Corpus, questions: Sequence[Question], embed: Embed | None) -> dict[Mode, Ranking]:
    """Rankings of both modes that these questions support; without embeddings the words' one alone. Needs scikit-learn."""
    modes: list[tuple[Mode, Embed | None]] = [("lexical", None), *([("hybrid", embed)] if embed else [])]  # type: ignore[list-item]
    fitted: dict[Mode, Ranking] = {}
    for mode, by in modes:
        weights, bias = _weights(corpus, questions, by, mode)
        ranking = Ranking(weights, bias, 0.5)
        asked = ask(build(corpus, {mode: ranking}, by), corpus, questions, by)
        fitted[mode] = Ranking(weights, bias, _threshold(asked))
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


def _weights(
    corpus: Corpus, questions: Sequence[Question], embed: Embed | None, mode: Mode
) -> tuple[tuple[float, ...], float]:
    from sklearn.linear_model import LogisticRegression

    flat = Ranking((0.0,) * len(FEATURES[mode]), 0.0, 0.5)
    index: Index = build(corpus, {mode: flat}, embed)
    vectors = embed([each.text for each in questions], "query") if embed else [None] * len(questions)
    rows, truth = [], []
    for question, vector in zip(questions, vectors, strict=True):
        places, features = index.candidates(question.text, "en" if question.lang == "en" else "zh-CN", vector)
        rows.append(features)
        truth += [corpus.names[place] == question.answer for place in places]
    model = LogisticRegression(C=10.0, max_iter=2_000).fit(np.concatenate(rows), np.array(truth))
    return tuple(float(value) for value in model.coef_[0]), float(model.intercept_[0])


def _threshold(asked: Sequence[Asked]) -> float:
    """The middle between the two neighbouring probabilities that the best threshold lies between."""
    levels = sorted({each.probability for each in asked})
    cuts = [(low + high) / 2 for low, high in pairwise(levels)] or levels
    return max(cuts, key=lambda cut: _f_beta(asked, cut))


def _f_beta(asked: Sequence[Asked], cut: float) -> float:
    given = [each for each in asked if each.probability >= cut]
    right = sum(each.answerable and each.rank == 1 for each in given)
    wanted = sum(each.answerable for each in asked)
    square = BETA * BETA
    return (1 + square) * right / (square * wanted + len(given)) if given else 0.0
