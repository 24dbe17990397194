"""`kuajie train intent` and `kuajie evaluate intent`: files of labelled texts in; a model that can be served, or a verdict, out."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kuajie.extras import needs
from kuajie.failures import BadInput, CommandError
from kuajie.terminal import show, stages, table

if TYPE_CHECKING:
    from training.intent.config import TrainConfig


GIVEN = ("epochs", "batch_size", "learning_rate", "lora_rank", "max_tokens")


@dataclass(frozen=True, slots=True)
class Choices:
    """What the command line says of a run; None leaves the default of `TrainConfig`."""

    layers: str | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    lora_rank: int | None = None
    train_words: bool = True
    seed: int = 0
    float16: bool = False
    max_tokens: int | None = None


def train_intent(
    data: Sequence[Path],
    validation: Sequence[Path],
    unknown: Sequence[Path],
    base: str,
    out: Path,
    choices: Choices,
    *,
    resume: bool,
) -> dict[str, Any] | None:
    """The report of a run; None in all but the first of several processes.

    Raises BadInput for files, a base or choices that cannot be used, CommandError when `out` cannot be written.
    """
    with needs("train-intent"):
        from training.intent.fit import Diverged
        from training.intent.judging import ModelRefused, package_in
        from training.intent.making import make_model
        from training.intent.material import UnusableValidation
        from training.intent.reopened import UnusableBase
        from training.intent.rows import UnusableData, read_rows, read_strangers
    start = str(package_in(Path(base))) if Path(base).is_dir() else base
    try:
        rows = [row for path in data for row in read_rows(path)]
        held = [row for path in validation for row in read_rows(path)]
        strangers = [text for path in unknown for text in read_strangers(path)]
        with stages("training intent") as stage:
            made = make_model(
                rows,
                validation=held,
                unknown=strangers,
                base=start,
                out=out,
                config=_config(choices, start),
                progress=stage,
                resume=resume,
            )
    except UnusableValidation as error:
        raise BadInput(f"{', '.join(map(str, validation or data))}: {error}") from error
    except (UnusableData, UnusableBase, ModelRefused) as error:
        raise BadInput(str(error)) from error
    except Diverged as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"{out} cannot be written: {error.strerror or error}") from error
    if not made.report:
        return None
    return {"package": str(made.folder / "package"), "page": str(made.folder / "report.html"), **made.report}


def evaluate_intent(model: Path, data: Sequence[Path], unknown: Sequence[Path]) -> dict[str, Any]:
    """Figures of a package on rows that it has not seen. Raises BadInput for files that cannot be used."""
    with needs("train-intent"):
        from training.intent.judging import ModelRefused, judge, package_in
        from training.intent.rows import UnusableData, read_rows, read_strangers
    try:
        rows = [row for path in data for row in read_rows(path)]
        strangers = [text for path in unknown for text in read_strangers(path)]
        with stages("evaluating intent") as stage:
            return judge(package_in(model), rows, unknown=strangers, progress=stage)
    except (UnusableData, ModelRefused) as error:
        raise BadInput(str(error)) from error


@contextmanager
def _writing(out: Path, *refused: type[Exception]) -> Iterator[None]:
    """What is `refused` while `out` is made is bad input, and so is an `out` that is there."""
    try:
        yield
    except FileExistsError as error:
        raise BadInput(f"{out} is there already") from error
    except refused as error:
        raise BadInput(str(error)) from error
    except OSError as error:
        raise CommandError(f"{out} cannot be written: {error.strerror or error}") from error


def calibrate_intent(model: Path, data: Sequence[Path], unknown: Sequence[Path], out: Path) -> dict[str, Any]:
    """A copy of a package whose confidence fits the rows.

    Raises BadInput for files that cannot be used or an `out` that is there, CommandError when it cannot be written.
    """
    with needs("train-intent"):
        from training.intent.judging import ModelRefused, package_in
        from training.intent.recalibrating import recalibrate
        from training.intent.rows import UnusableData, read_rows, read_strangers
    with _writing(out, UnusableData, ModelRefused):
        rows = [row for path in data for row in read_rows(path)]
        strangers = [text for path in unknown for text in read_strangers(path)]
        with stages("calibrating intent") as stage:
            return recalibrate(package_in(model), rows, unknown=strangers, out=out, progress=stage)


def quantise_again(model: Path, data: Sequence[Path], validation: Sequence[Path], out: Path) -> dict[str, Any]:
    """A copy of a package in the faster int8 form.

    Raises BadInput for files that cannot be used, an `out` that is there or a form that loses too much, CommandError when it
    cannot be written.
    """
    with needs("train-intent"):
        from training.intent.judging import ModelRefused, package_in
        from training.intent.requantising import requantise
        from training.intent.rows import UnusableData, read_rows
    with _writing(out, UnusableData, ModelRefused):
        rows, held = ([row for path in paths for row in read_rows(path)] for paths in (data, validation))
        with stages("quantising intent") as stage:
            return requantise(package_in(model), rows, held, out=out, progress=stage)


def give_meaning(model: Path, data: Sequence[Path], teacher: str, out: Path, seed: int) -> dict[str, Any]:
    """A copy of a package whose embedding comes near the teacher's.

    Raises BadInput for files or a teacher that cannot be used or an `out` that is there, CommandError when it cannot be written.
    """
    with needs("train-intent"):
        from training.intent import embedding
        from training.intent.judging import ModelRefused, package_in
        from training.intent.readout import NoEncoder
        from training.intent.reopened import UnusableBase
        from training.intent.rows import UnusableData, read_rows
    with _writing(out, UnusableData, UnusableBase, ModelRefused, NoEncoder):
        rows = [row for path in data for row in read_rows(path)]
        with stages("training the embedding") as stage:
            return embedding.give_meaning(package_in(model), teacher, rows, out=out, progress=stage, seed=seed)


def show_calibrated(result: dict[str, Any]) -> None:
    """How far confidence was from accuracy, and is now, on the very rows that it was fitted to."""
    rows = [
        [task, str(found["rows"]), *(f"{found[name]:.4f}" for name in ("accuracy", "ece_before", "ece_after"))]
        for task, found in result["tasks"].items()
    ]
    table("calibration", ["task", "rows", "accuracy", "ECE before", "ECE after"], rows)
    show(f"{result['package']}: version {result['version']}; judge it on other rows with kuajie evaluate intent")


def show_quantised(result: dict[str, Any]) -> None:
    """What the other form costs on the rows for validation."""
    show(
        f"{result['products']} products; mean accuracy of the tasks on {result['rows']} rows "
        f"{result['accuracy_before']:.4f} before, {result['accuracy_after']:.4f} after"
    )
    show(f"{result['package']}: version {result['version']}; fit its confidence with kuajie train calibration")


def show_embedding(result: dict[str, Any]) -> None:
    """How near the embedding has come to the teacher's, on texts held out."""
    show(
        f"{result['texts']} texts; of the variance of the teacher's embeddings {result['explained']:.3f} on texts held out"
    )
    show(f"{result['package']}: version {result['version']}; see what it gives with kuajie evaluate knowledge")


def show_trained(result: dict[str, Any], out: Path) -> None:
    """What a run reached on its validation rows, and how its model is served."""
    from training.intent.remarks import told

    where = f"on validation rows; all of it: {result['page']}"
    serve = f"serve it: kuajie models publish {out}, or KUAJIE_INTENT_MODEL_DIR={result['package']}"
    _show(result["validation"], {}, [where, *told(result["rows"]), *_scope_notes(result), serve])


def show_judged(result: dict[str, Any]) -> None:
    """The tasks, overall and by language, and what is measured beside them."""
    _show(result["tasks"], result["by_language"], _scope_notes(result))


def _scope_notes(result: dict[str, Any]) -> list[str]:
    names = {"scope_auroc": "in scope against out of scope, AUROC", "purchase_auc": "purchase, AUC"}
    notes = [f"{title}: {result[name]:.4f}" for name, title in names.items() if result.get(name) is not None]
    if tried := result.get("scope", {}).get("auroc"):
        figures = ", ".join(f"{name} {value:.4f}" for name, value in tried.items())
        notes.append(f"in scope against out of scope, AUROC: {figures}; judged by {result['scope']['taken']}")
    return notes


def _show(tasks: dict[str, Any], languages: dict[str, Any], notes: Sequence[str]) -> None:
    rows = [_row(task, "all", found) for task, found in tasks.items()]
    rows += [_row(task, name, found) for name, part in languages.items() for task, found in part["tasks"].items()]
    table("intent", ["task", "language", "rows", "accuracy", "macro-F1", "ECE"], rows)
    for note in notes:
        show(note)


def _row(task: str, language: str, found: dict[str, Any]) -> list[str]:
    low, high = found["accuracy_interval"]
    accuracy = f"{found['accuracy']:.4f} ({low:.4f}–{high:.4f})"
    return [task, language, str(found["rows"]), accuracy, f"{found['macro_f1']:.4f}", f"{found['ece']:.4f}"]


def _config(choices: Choices, base: str) -> "TrainConfig":
    """What was chosen; a package that is the base says how it reads a text. Raises `ModelRefused` when it is damaged."""
    from training.intent.config import TrainConfig
    from training.intent.reopened import reading_of

    given = {name: getattr(choices, name) for name in GIVEN}
    said = reading_of(base) | {name: value for name, value in given.items() if value is not None}
    if choices.layers is not None:
        said["layers"] = None if choices.layers == "all" else _layers(choices.layers)
    return TrainConfig(**said, train_words=choices.train_words, seed=choices.seed, float16=choices.float16)


def _layers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise BadInput(f"--layers takes `all` or numbers with commas between them, not {text!r}") from None
