"""`kuajie evaluate recommend`: files in, the training package's verdict out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kuajie.extras import needs
from kuajie.failures import BadInput
from kuajie.files import EVENTS, ITEMS, BadRow, FileFormat, Row, read, survey
from kuajie.terminal import show, stages, table


def evaluate_recommend(items: Path, train: Path, test: Path, *, k: int, seed: int) -> dict[str, Any]:
    """The evaluation as JSON types. Raises BadInput for a file that cannot be used, or that has a bad row: a measurement
    of some of the rows would not be the one that was asked for."""
    with needs("train"):
        from training.recommend import InteractionColumns, ItemColumns, evaluate

    for path, form in ((items, ITEMS), (train, EVENTS), (test, EVENTS)):
        survey(path, form)
    catalogue = ItemColumns.from_rows(whole_rows(items, ITEMS))
    past = InteractionColumns.from_rows(events(train))
    later = InteractionColumns.from_rows(events(test))
    with stages("evaluating") as stage:
        try:
            return evaluate(catalogue, past, later, k=k, seed=seed, progress=stage).to_json()
        except ValueError as error:
            raise BadInput(f"cannot evaluate: {error}") from error


def events(path: Path) -> Iterator[Row]:
    """Rows with the timestamp in seconds since 1970."""
    from training.recommend.columns import seconds

    for number, row in _numbered(path, EVENTS):
        try:
            yield {**row, "timestamp": seconds(row["timestamp"])}
        except ValueError:
            raise BadInput(f"{path}: row {number}: the timestamp is neither ISO 8601 nor seconds since 1970") from None


def whole_rows(path: Path, form: FileFormat) -> Iterator[Row]:
    """Every row, none of them without a required column."""
    return (row for _, row in _numbered(path, form))


def _numbered(path: Path, form: FileFormat) -> Iterator[tuple[int, Row]]:
    for entry in read(path):
        if isinstance(entry, BadRow):
            raise BadInput(f"{path}: row {entry.row}: {entry.detail}")
        number, row = entry
        missing = [column for column in form.required if column not in row]
        if missing:
            raise BadInput(f"{path}: row {number}: {missing[0]} is missing")
        yield number, row


def show_evaluation(result: dict[str, Any]) -> None:
    """The methods, best first; then the protocol that the figures follow."""
    k = result["k"]
    methods = sorted(result["methods"].items(), key=lambda method: -method[1]["ndcg"]["mean"])
    rows = [
        [name, *(figure(method[metric]) for metric in ("ndcg", "recall", "mrr")), f"{method['coverage']:.1%}"]
        for name, method in methods
    ]
    title = f"{result['people']} people, {result['items']} items"
    table(title, ["method", f"NDCG@{k}", f"recall@{k}", f"MRR@{k}", "coverage"], rows)
    show(f"dropped: {result['dropped_test_rows']} of {result['test_rows']} test rows; {result['protocol']}")


def figure(interval: dict[str, float]) -> str:
    return f"{interval['mean']:.4f} ({interval['low']:.4f}–{interval['high']:.4f})"
