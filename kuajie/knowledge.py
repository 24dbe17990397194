"""`kuajie import knowledge` and `kuajie evaluate knowledge`."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from kuajie.extras import needs
from kuajie.failures import BadInput, CommandError
from kuajie.gateway import Gateway
from kuajie.terminal import show, table
from services.kit.headings import marked_heading

FIGURES = (
    "recall_at_1",
    "recall_at_3",
    "no_answer_auroc",
    "no_answer_f1",
    "answered",
    "right_when_answered",
    "wrongly_answered",
    "offered",
    "wrongly_offered",
)
FORMATS = {".md": "markdown", ".markdown": "markdown", ".csv": "csv"}


def read_document(file: Path, *, document_id: str | None, title: str | None, link: str | None) -> dict[str, Any]:
    """The body that imports a file; by default its id is the file's name, its title the first heading. Raises BadInput."""
    form = FORMATS.get(file.suffix.lower())
    if form is None:
        raise BadInput(f"{file}: unknown kind of file; known are {', '.join(FORMATS)}")
    content = _read(file)
    if not content.strip():
        raise BadInput(f"{file}: holds no text")
    return {
        "document_id": document_id or _id_of(file),
        "title": title or (_first_heading(content) if form == "markdown" else None) or file.stem,
        "format": form,
        "content": content,
        "url": link,
    }


def send(file: Path, document: dict[str, Any], gateway: Gateway) -> dict[str, Any]:
    """What the stack makes of it. What it refuses is said with the file's name, as BadInput where the document is at fault."""
    try:
        return gateway.post("/v1/assist/knowledge", orjson.dumps(document))
    except CommandError as error:
        raise type(error)(f"{file}: {error}") from error


def show_import(file: Path, answer: dict[str, Any]) -> None:
    document = answer["document"]
    news = f"version {document['version']}" if answer["changed"] else f"unchanged, version {document['version']}"
    show(f"{file}: {document['document_id']}, {news}, {document['passages']} passages")


def evaluate_knowledge(
    documents: Sequence[Path],
    questions: Sequence[Path],
    *,
    model: Path | None,
    half: str | None,
    ranking: Path | None,
    fit_to: Path | None,
) -> dict[str, Any]:
    """Figures of the search on questions. Raises BadInput for files that cannot be used."""
    with needs("train-intent"):
        from training.knowledge.evaluation import evaluate
        from training.knowledge.questions import UnusableQuestions
    try:
        return evaluate(documents, questions, model=model, half=half, ranking=ranking, fit_to=fit_to)
    except UnusableQuestions as error:
        raise BadInput(str(error)) from error


def show_evaluation(result: dict[str, Any]) -> None:
    """A table a mode: a row a figure, a column a language."""
    for mode, parts in result["modes"].items():
        rows = [[name.replace("_", " "), *(_cell(found[name]) for found in parts.values())] for name in FIGURES]
        columns = [f"{part} ({found['questions']} questions)" for part, found in parts.items()]
        table(f"knowledge, {result['half']}, {mode}", ["", *columns], rows)


def _cell(figure: dict[str, Any]) -> str:
    if figure["value"] is None:
        return "–"
    low, high = figure["interval"]
    return f"{figure['value']:.3f} ({low:.3f}–{high:.3f})"


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BadInput(f"{file}: no such file") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise BadInput(f"{file}: line {line} is not UTF-8: save the file as UTF-8 and send it again") from error
    except OSError as error:
        raise BadInput(f"{file}: cannot be read: {error.strerror}") from error


def _id_of(file: Path) -> str:
    """The file's name; a long one by its digest, since an id has 128 characters."""
    return file.name if len(file.name) <= 128 else hashlib.sha256(file.name.encode()).hexdigest()


def _first_heading(content: str) -> str | None:
    """The first of the highest level, with the marks that the service would take away."""
    marked = filter(None, map(marked_heading, content.splitlines()))
    return next((title[:200] for level, title in marked if level == 1 and title), None)
