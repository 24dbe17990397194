"""`kuajie evaluate`: figures of a method or a model on data that it has not seen."""

from pathlib import Path
from typing import Annotated

import typer

from kuajie.cli.options import CusumLimit, Json, Strangers, Texts, answer

app = typer.Typer(help="Measure a model against held-out data.")


@app.command("recommend")
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
    answer(result, as_json, show_evaluation)


@app.command("intent")
def evaluate_intent(
    data: Texts,
    model: Annotated[Path, typer.Option(help="The folder of a trained model.")],
    unknown: Strangers = None,
    as_json: Json = False,
) -> None:
    """Judge a trained model on texts that it has not seen, by the code that serves it."""
    from kuajie import training

    result = training.evaluate_intent(model, data, unknown or [])
    answer(result, as_json, training.show_judged)


@app.command("monitor")
def evaluate_monitor(
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Simulated months of each volume.")] = 10,
    first_seed: Annotated[int, typer.Option(min=0, help="The first seed; the settings were chosen on 100 to 124.")] = 0,
    cusum_limit: CusumLimit = None,
    out: Annotated[Path | None, typer.Option(help="A folder for surges.html and surges.json.")] = None,
    as_json: Json = False,
) -> None:
    """Plant surges in simulated streams, and see what the detectors find of them and how soon."""
    from kuajie import monitoring

    result = monitoring.evaluate_monitor(seeds, first_seed, out, cusum_limit=cusum_limit)
    answer(result, as_json, monitoring.show_surges)


@app.command("knowledge")
def evaluate_knowledge(
    knowledge: Annotated[list[Path], typer.Option(help="A Markdown or CSV document; may be given again.")],
    questions: Annotated[
        list[Path],
        typer.Option(help="CSV: text, answer (a heading or question, or empty), lang, half; may be given again."),
    ],
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
    answer(result, as_json, show_evaluation)
