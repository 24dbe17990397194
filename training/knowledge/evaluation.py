"""`kuajie evaluate knowledge`: from files to figures, and to a ranking when one is wanted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import orjson

from services.intent.assist.knowledge.ranking import Mode, Ranking, RankingRefused, load_rankings
from services.intent.model import ModelRefused
from services.intent.trained.package import newest_shipped
from services.intent.trained.provider import Wanted
from services.intent.trained.transformer import OnnxModel
from services.intent.trained.written_form import with_role
from training.knowledge import fitting, judging
from training.knowledge.questions import (
    Corpus,
    Embed,
    Question,
    UnusableQuestions,
    Vectors,
    files_of,
    read_corpus,
    read_questions,
)

BATCH = 16


def evaluate(
    documents: Sequence[Path],
    questions: Sequence[Path],
    *,
    model: Path | None,
    half: str | None,
    ranking: Path | None,
    fit_to: Path | None,
) -> dict[str, Any]:
    """Figures of both modes on a half of the questions; with `fit_to` a ranking fitted to the dev half is written there first.

    Raises `UnusableQuestions`, also for a model without embeddings.
    """
    corpus = read_corpus(documents)
    asked = _asked(questions, half, corpus)
    version, embed = _embedder(model)
    if fit_to is None:
        rankings = _rankings(ranking)
    else:
        rankings = fitting.fit(corpus, _asked(questions, "dev", corpus), embed)
        fit_to.write_bytes(orjson.dumps(fitting.document(rankings), option=orjson.OPT_INDENT_2) + b"\n")
    report: dict[str, Any] = {"model": version, "half": half or "all", "passages": len(corpus.passages), "modes": {}}
    for mode, by in _modes(embed):
        found = judging.ask(judging.build(corpus, rankings, by), corpus, asked, by)
        report["modes"][mode] = _judged(found, asked, rankings[mode])
    return report


def _asked(paths: Sequence[Path], half: str | None, corpus: Corpus) -> list[Question]:
    """Raises `UnusableQuestions` also for an answer that no document has: it would count as never found."""
    asked = read_questions(paths, half)
    if lost := [each.answer for each in asked if each.answer and each.answer not in corpus.names]:
        raise UnusableQuestions(f"{files_of(paths)}: no passage is under {lost[0]!r}, where a question has its answer")
    return asked


def _judged(found: Sequence[judging.Asked], asked: Sequence[Question], ranking: Ranking) -> dict[str, Any]:
    parts = {
        lang: [each for each, question in zip(found, asked, strict=True) if question.lang == lang]
        for lang in ("zh", "en")
    }
    by_language = {lang: judging.figures(part, ranking.threshold) for lang, part in parts.items() if part}
    return {"all": judging.figures(found, ranking.threshold), **by_language}


def _modes(embed: Embed) -> list[tuple[Mode, Embed | None]]:
    return [("hybrid", embed), ("lexical", None)]


def _rankings(path: Path | None) -> dict[Mode, Ranking]:
    try:
        return load_rankings(path)
    except RankingRefused as error:
        raise UnusableQuestions(str(error)) from error


def _embedder(folder: Path | None) -> tuple[str, Embed]:
    chosen = folder or newest_shipped()
    if chosen is None:
        raise UnusableQuestions("no trained model came with this installation: name one with --model")
    try:
        model = OnnxModel(chosen, Wanted("cpu", "", 1))
    except ModelRefused as error:
        raise UnusableQuestions(str(error)) from error
    embedding = model.embedding()
    if embedding is None:
        raise UnusableQuestions(f"{chosen} has no embeddings")

    def embed(texts: Sequence[str], role: Literal["query", "passage"]) -> Vectors:
        found: list[Vectors] = []
        for start in range(0, len(texts), BATCH):
            part = [with_role(text, role) for text in texts[start : start + BATCH]]
            found += embedding.decode(embedding.run(embedding.encode(part)))
        return np.stack(found).astype(np.float16).astype(np.float32)  # as the database keeps them

    return model.version, embed
