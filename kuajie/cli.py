"""The command `kuajie`. Each subcommand imports what it needs when it runs, so that `--help` is quick."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.exceptions import TyperException

from kuajie.failures import BadInput, CommandError
from kuajie.terminal import say, show, show_json

if TYPE_CHECKING:
    from kuajie.data_folder import DataFolder
    from kuajie.gateway import Gateway

app = typer.Typer(
    help="Recommendations, intent and insurance offers for paid-knowledge platforms.", add_completion=False
)
import_app = typer.Typer(help="Bring in a file of items or events (CSV, NDJSON, Parquet), or a document of knowledge.")
train_app = typer.Typer(help="Make a model from labelled data.")
evaluate_app = typer.Typer(help="Measure a model against held-out data.")
models_app = typer.Typer(help="Versions of the intent model: publish, load, promote, shadow, retire.")
app.add_typer(models_app, name="models")
monitor_app = typer.Typer(help="Opinion monitoring away from the service.")
app.add_typer(monitor_app, name="monitor")
export_app = typer.Typer(help="Take out what the stack has learnt.")
app.add_typer(import_app, name="import")
app.add_typer(export_app, name="export")
app.add_typer(train_app, name="train")
app.add_typer(evaluate_app, name="evaluate")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
Data = Annotated[Path | None, typer.Option(help="The stack's folder. Default: KUAJIE_DATA_DIR, else .kuajie here.")]
Url = Annotated[str | None, typer.Option(help="A gateway elsewhere. Default: KUAJIE_URL, else the stack here.")]
Key = Annotated[str | None, typer.Option(help="Its API key. Default: KUAJIE_API_KEY.")]
Strict = Annotated[bool, typer.Option("--strict", help="Write nothing if any row is bad.")]
File = Annotated[Path, typer.Argument(help="A .csv, .ndjson, .jsonl or .parquet file.")]
Texts = Annotated[list[Path], typer.Option("--data", help="A CSV file with text and label; may be given again.")]

Version = Annotated[str, typer.Argument(help="As `kuajie models list` shows it.")]
Wait = Annotated[float, typer.Option(min=0, help="Seconds to wait until every process has done it; 0: do not wait.")]


@app.command()
def up(
    demo: Annotated[bool, typer.Option("--demo", help="Load the demo on the first start.")] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return once it is ready; end it with `kuajie down`.")
    ] = False,
    port: Annotated[int, typer.Option(min=1, max=65531, help="The gateway's; the others take the next four.")] = 8000,
    data: Data = None,
    report_to: Annotated[int | None, typer.Option(hidden=True)] = None,
    as_json: Json = False,
) -> None:
    """Start the engines and the five services, and keep them running."""
    from kuajie import background
    from kuajie.topology import Topology
    from kuajie.up import Request, run
    from kuajie.welcome import TerminalReporter

    request = Request(_folder(data), Topology(port), demo)
    reporter = TerminalReporter(as_json)
    if detach:
        reporter.ready(background.start(request, say))
    elif report_to is None:
        run(request, reporter)
    else:
        background.run_reporting(request, report_to)


@app.command()
def down(data: Data = None, as_json: Json = False) -> None:
    """End the stack that runs on a data folder."""
    from kuajie.up import down as end

    folder = _folder(data)
    pid = end(folder)
    if as_json:
        show_json({"stopped": pid is not None, "pid": pid, "data": str(folder.path)})
    else:
        show(f"stopped (pid {pid})" if pid else f"no stack runs on {folder.path}")


@app.command()
def serve(
    service: Annotated[str, typer.Argument(help="gateway, profile, recommend, intent or insurance.")],
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Default: 8000 to 8004 in that order.")] = None,
) -> None:
    """Run one service in this process, its settings taken from the environment."""
    from kuajie import serving

    serving.serve(_service(service), host, port or serving.default_port(service))


@app.command()
def migrate(
    service: Annotated[
        str | None, typer.Argument(help="profile, recommend, intent or insurance. Default: all of them.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring databases to the newest revision; each is named by KUAJIE_<SERVICE>_DATABASE_URL."""
    from kuajie import databases
    from kuajie.topology import WITH_DATABASE, database_variable

    if service is not None and service not in WITH_DATABASE:
        raise BadInput(f"{service} has no database; these have: {', '.join(WITH_DATABASE)}")
    services = (service,) if service else WITH_DATABASE
    missing = [database_variable(name) for name in services if not os.environ.get(database_variable(name))]
    if missing:
        raise BadInput(f"not set: {', '.join(missing)}")
    moved = {name: databases.migrate(name, os.environ[database_variable(name)]) for name in services}
    if as_json:
        show_json({"migrated": moved})
    else:
        for name, changed in moved.items():
            show(f"{name}: {'migrated' if changed else 'already at the newest revision'}")


@import_app.command("items")
def import_items(
    file: File, strict: Strict = False, url: Url = None, api_key: Key = None, data: Data = None, as_json: Json = False
) -> None:
    """Bring in items: item_id, title, categories (`|` between them); price, currency, language, description, published_at."""
    _import("items", file, strict, lambda: _gateway(url, api_key, data), as_json)


@import_app.command("events")
def import_events(
    file: File, strict: Strict = False, url: Url = None, api_key: Key = None, data: Data = None, as_json: Json = False
) -> None:
    """Bring in events: user_id, item_id, timestamp; message_id, type, value, currency, properties."""
    _import("events", file, strict, lambda: _gateway(url, api_key, data), as_json)


@import_app.command("knowledge")
def import_knowledge(
    file: Annotated[Path, typer.Argument(help="A .md file, or a .csv file of question,answer[,locale,url,tags].")],
    document_id: Annotated[str | None, typer.Option("--id", help="Default: the file's name.")] = None,
    title: Annotated[str | None, typer.Option(help="What citations call it. Default: its first heading.")] = None,
    link: Annotated[str | None, typer.Option(help="Where people can read it.")] = None,
    url: Url = None,
    api_key: Key = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Bring in a document that customer service answers from, or its next version."""
    from kuajie import knowledge

    given = knowledge.read_document(file, document_id=document_id, title=title, link=link)
    answer = knowledge.send(given, _gateway(url, api_key, data))
    if as_json:
        show_json(answer)
    else:
        knowledge.show_import(file, answer)


@export_app.command("intent-corrections")
def export_intent_corrections(
    out: Annotated[Path, typer.Option(help="The CSV file to write: what `kuajie train intent --data` takes.")],
    url: Url = None,
    api_key: Key = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Write the labels that agents put right in customer service, one text a row."""
    from kuajie import corrections

    written = corrections.export(out, _gateway(url, api_key, data))
    if as_json:
        show_json({"rows": written, "file": str(out)})
    else:
        show(f"{out}: {written} rows")


@app.command()
def fit(
    what: Annotated[str, typer.Argument(help="segments, recommend or all.")],
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for consumers that lag behind.")] = 120.0,
    seed: Annotated[int, typer.Option(help="Makes a fit repeatable.")] = 0,
    url: Url = None,
    api_key: Key = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Learn from what the stack knows, and put the result to use without a restart."""
    from kuajie import fitting

    kinds = fitting.kinds_of(what)
    fitted = fitting.fit(kinds, _gateway(url, api_key, data), wait=wait, seed=seed)
    if as_json:
        show_json({"fitted": fitted})
    else:
        fitting.show_fitted(fitted)


@evaluate_app.command("recommend")
def evaluate_recommend(
    items: Annotated[Path, typer.Option(help="The catalogue.")],
    train: Annotated[Path, typer.Option(help="Events to learn from.")],
    test: Annotated[Path, typer.Option(help="Later events of the same people.")],
    k: Annotated[int, typer.Option(min=1, max=1000, help="Length of the list that is judged.")] = 10,
    seed: Annotated[int, typer.Option(help="Makes an evaluation repeatable.")] = 0,
    as_json: Json = False,
) -> None:
    """Full ranking on a time split, with the baselines beside ours."""
    from kuajie.evaluation import evaluate_recommend as evaluate
    from kuajie.evaluation import show_evaluation

    result = evaluate(items, train, test, k=k, seed=seed)
    if as_json:
        show_json(result)
    else:
        show_evaluation(result)


@train_app.command("intent")
def train_intent(
    data: Texts,
    out: Annotated[Path, typer.Option(help="The folder to make: checkpoint, reports, and `package` to serve.")],
    validation: Annotated[
        list[Path] | None,
        typer.Option(help="Rows that everything is chosen on; by default some are held out of --data."),
    ] = None,
    base: Annotated[
        str, typer.Option(help="A Hugging Face folder or hub id of a BERT encoder.")
    ] = "intfloat/multilingual-e5-small",
    layers: Annotated[
        str | None,
        typer.Option(help="Layers to keep: `all` (the default), or as in 0,2,4,7,9,11: half of twelve, twice as fast."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="At most so many; it stops early by itself.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Texts in an update, on each device.")] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0.0, help="The encoder's, at its height.")] = None,
    lora_rank: Annotated[int | None, typer.Option(min=1, help="Train low-rank updates instead of all weights.")] = None,
    train_words: Annotated[bool, typer.Option(help="Train the embeddings of the words that occur.")] = True,
    seed: Annotated[int, typer.Option(help="Makes a run repeatable.")] = 0,
    float16: Annotated[bool, typer.Option("--float16", help="Put model.fp16.onnx for GPUs into the package.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last whole epoch in --out.")] = False,
    as_json: Json = False,
) -> None:
    """From texts and labels (and, where there are such columns, sentiment, purchase and topic) to a model that can be served."""
    from kuajie import training

    choices = training.Choices(layers, epochs, batch_size, learning_rate, lora_rank, train_words, seed, float16)
    result = training.train_intent(data, validation or [], base, out, choices, resume=resume)
    if result is None:
        return
    if as_json:
        show_json(result)
    else:
        notes = [
            *training.scope_notes(result),
            f"serve it: kuajie models publish {out}, or KUAJIE_INTENT_MODEL_DIR={result['package']}",
        ]
        training.show_intent(result["validation"], {}, [f"on validation rows; all of it: {result['page']}", *notes])


@evaluate_app.command("intent")
def evaluate_intent(
    data: Texts,
    model: Annotated[Path, typer.Option(help="The folder of a trained model.")],
    unknown: Annotated[
        list[Path] | None,
        typer.Option("--oos", help="Texts that are out of scope, whatever their labels: CSV, or .txt with one a line."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Judge a trained model on texts that it has not seen, by the code that serves it."""
    from kuajie import training

    result = training.evaluate_intent(model, data, unknown or [])
    if as_json:
        show_json(result)
    else:
        training.show_intent(result["tasks"], result["by_language"], training.scope_notes(result))


@evaluate_app.command("monitor")
def evaluate_monitor(
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Simulated months of each volume.")] = 10,
    first_seed: Annotated[int, typer.Option(min=0, help="The first seed; the settings were chosen on 100 to 124.")] = 0,
    out: Annotated[Path | None, typer.Option(help="A folder for surges.html and surges.json.")] = None,
    as_json: Json = False,
) -> None:
    """Plant surges in simulated streams, and see what the detectors find of them and how soon."""
    from kuajie import monitoring

    result = monitoring.evaluate_monitor(seeds, first_seed, out)
    if as_json:
        show_json(result)
    else:
        monitoring.show_surges(result)


@monitor_app.command("replay")
def replay_monitor(
    file: Annotated[
        Path, typer.Argument(help="text, published_at; document_id, topic, sentiment. CSV, NDJSON or Parquet.")
    ],
    out: Annotated[Path | None, typer.Option(help="A folder for replay.html and replay.json.")] = None,
    timezone: Annotated[str, typer.Option(help="Whose hours and weeks are meant.")] = "Asia/Shanghai",
    model: Annotated[
        Path | None, typer.Option(help="The folder of a trained model; by default the one that ships.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run dated documents through opinion monitoring: which alerts there would have been, and plots."""
    from kuajie import monitoring

    document = monitoring.replay_file(file, out, zone=timezone, model=model)
    if as_json:
        show_json(document)
    else:
        monitoring.show_replay(document)


@models_app.command("list")
def list_models(url: Url = None, api_key: Key = None, data: Data = None, as_json: Json = False) -> None:
    """Every version: what was asked of it, and how it stands in every process."""
    from kuajie import models

    found = models.listed(_gateway(url, api_key, data))
    if as_json:
        show_json({"models": found})
    else:
        models.show_models(found)


@models_app.command("show")
def show_model(
    version: Version, url: Url = None, api_key: Key = None, data: Data = None, as_json: Json = False
) -> None:
    """One version, and how far it agreed with what served when it was a shadow."""
    from kuajie import models

    _show_model(models.read(_gateway(url, api_key, data), version), as_json)


@models_app.command("publish")
def publish_model(
    folder: Annotated[Path, typer.Argument(help="A package, or a folder that `kuajie train intent` made.")],
    artifacts: Annotated[
        Path | None, typer.Option(help="Default: KUAJIE_ARTIFACTS_DIR, else the stack's folder.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Verify a package and put it where the intent service finds it. Nothing is served of it before it is promoted."""
    from kuajie import models

    named = artifacts or (Path(given) if (given := os.environ.get("KUAJIE_ARTIFACTS_DIR")) else _folder(data).artifacts)
    published = models.publish(folder, named)
    if as_json:
        show_json(published)
    else:
        show(
            f"published {published['version']} at {published['folder']}; serve it: kuajie models promote {published['version']}"
        )


@models_app.command("load")
def load_model(
    version: Version, wait: Wait = 120.0, url: Url = None, api_key: Key = None, data: Data = None, as_json: Json = False
) -> None:
    """Hold a version ready beside the one that serves."""
    from kuajie import models

    _show_model(models.ask(_gateway(url, api_key, data), version, "load", wait=wait), as_json)


@models_app.command("promote")
def promote_model(
    version: Version, wait: Wait = 120.0, url: Url = None, api_key: Key = None, data: Data = None, as_json: Json = False
) -> None:
    """Serve a version; back to the one before by promoting that one."""
    from kuajie import models

    _show_model(models.ask(_gateway(url, api_key, data), version, "promote", wait=wait), as_json)


@models_app.command("shadow")
def shadow_model(
    version: Version,
    share: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of the live texts that it answers too.")] = 0.1,
    wait: Wait = 120.0,
    url: Url = None,
    api_key: Key = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Let a version answer live texts beside the one that serves, only to compare; `kuajie models show` tells how far they agree."""
    from kuajie import models

    gateway = _gateway(url, api_key, data)
    _show_model(models.ask(gateway, version, "shadow", wait=wait, body={"share": share}), as_json)


@models_app.command("unshadow")
def unshadow_model(
    version: Version, wait: Wait = 120.0, url: Url = None, api_key: Key = None, data: Data = None, as_json: Json = False
) -> None:
    """End a shadow; the version stays ready."""
    from kuajie import models

    _show_model(models.ask(_gateway(url, api_key, data), version, "unshadow", wait=wait), as_json)


@models_app.command("retire")
def retire_model(
    version: Version, wait: Wait = 120.0, url: Url = None, api_key: Key = None, data: Data = None, as_json: Json = False
) -> None:
    """Let a version go; its files stay."""
    from kuajie import models

    _show_model(models.ask(_gateway(url, api_key, data), version, "retire", wait=wait), as_json)


@evaluate_app.command("knowledge")
def evaluate_knowledge(
    knowledge: Annotated[list[Path], typer.Option(help="A Markdown or CSV document; may be given again.")],
    questions: Annotated[Path, typer.Option(help="CSV: text, answer (a heading or question, or empty), lang, half.")],
    model: Annotated[Path | None, typer.Option(help="A trained model. Default: the newest that ships.")] = None,
    half: Annotated[str | None, typer.Option(help="Judge these questions only, as in dev or test.")] = None,
    ranking: Annotated[Path | None, typer.Option(help="A ranking of your own in place of what ships.")] = None,
    fit_to: Annotated[
        Path | None, typer.Option(help="Fit a ranking to the questions of the half `dev`, write it here and judge it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """How well customer service finds answers, and how well it knows that there is none."""
    from kuajie.knowledge import evaluate_knowledge as evaluate
    from kuajie.knowledge import show_evaluation

    result = evaluate(knowledge, questions, model=model, half=half, ranking=ranking, fit_to=fit_to)
    if as_json:
        show_json(result)
    else:
        show_evaluation(result)


def main() -> None:
    """Run the command line: a failure is one line on standard error, exit code 1, or 2 for bad input and usage."""
    try:
        status = app(sys.argv[1:] or ["--help"], prog_name="kuajie", standalone_mode=False)
    except TyperException as error:
        _fail(error.format_message().splitlines()[0] if hasattr(error, "format_message") else str(error), 2)
    except CommandError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:  # a failure of ours: said, and shown whole on request
        if os.environ.get("KUAJIE_TRACEBACK"):
            raise
        _fail(f"failed unexpectedly: {type(error).__name__}: {error} (KUAJIE_TRACEBACK=1 shows where)", 1)
    sys.exit(status if isinstance(status, int) else 0)


def _fail(text: str, status: int) -> None:
    say(" ".join(text.split()))
    sys.exit(status)


def _folder(data: Path | None) -> "DataFolder":
    from kuajie.data_folder import DataFolder, default_folder

    return DataFolder(data.absolute() if data else default_folder())


def _gateway(url: str | None, api_key: str | None, data: Path | None) -> "Gateway":
    from kuajie.gateway import find_gateway

    return find_gateway(_folder(data), url, api_key)


def _show_model(model: dict[str, Any], as_json: bool) -> None:
    from kuajie import models

    if as_json:
        show_json(model)
    else:
        models.show_models([model])
        models.show_agreement(model)


def _service(name: str) -> str:
    from kuajie.topology import SERVICES

    if name not in SERVICES:
        raise BadInput(f"no such service: {name}; there are {', '.join(SERVICES)}")
    return name


def _import(kind: str, file: Path, strict: bool, find: Callable[[], "Gateway"], as_json: bool) -> None:
    from kuajie.importing import KINDS, import_file, show_report

    report = import_file(KINDS[kind], file, find, strict=strict)
    document: dict[str, Any] = report.document()
    if as_json:
        show_json(document)
    else:
        show_report(file, document)
