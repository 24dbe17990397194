"""`kuajie train`: from files of labelled data to a model."""

from pathlib import Path
from typing import Annotated

import typer

from kuajie.cli.options import Json, Strangers, Texts, answer

app = typer.Typer(help="Make a model from labelled data.")


@app.command("intent")
def train_intent(
    data: Texts,
    out: Annotated[Path, typer.Option(help="The folder to make: checkpoint, reports, and `package` to serve.")],
    validation: Annotated[
        list[Path] | None,
        typer.Option(help="Rows that everything is chosen on; by default some are held out of --data."),
    ] = None,
    unknown: Strangers = None,
    base: Annotated[
        str,
        typer.Option(help="A Hugging Face folder or hub id of a BERT encoder, or a package of ours, to go on from it."),
    ] = "intfloat/multilingual-e5-small",
    layers: Annotated[
        str | None,
        typer.Option(help="Layers to keep: `all` (the default), or as in 0,2,4,7,9,11: half of twelve, twice as fast."),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="At most so many; it stops early by itself. By default 3, of few rows up to 8."),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, help="Texts in an update, on each device; by default 32, of few rows down to 8."),
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0.0, help="The encoder's, at its height.")] = None,
    lora_rank: Annotated[int | None, typer.Option(min=1, help="Train low-rank updates instead of all weights.")] = None,
    train_words: Annotated[bool, typer.Option(help="Train the embeddings of the words that occur.")] = True,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Makes a run repeatable.")] = 0,
    float16: Annotated[bool, typer.Option("--float16", help="Put model.fp16.onnx for GPUs into the package.")] = False,
    max_tokens: Annotated[
        int | None,
        typer.Option(min=8, help="Tokens of a text that are read, here and when it is served; 96 by default."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last whole epoch in --out.")] = False,
    as_json: Json = False,
) -> None:
    """From texts and labels (and, where there are such columns, sentiment, purchase and topic) to a model that can be served."""
    from kuajie import training

    choices = training.Choices(
        layers, epochs, batch_size, learning_rate, lora_rank, train_words, seed, float16, max_tokens
    )
    result = training.train_intent(data, validation or [], unknown or [], base, out, choices, resume=resume)
    if result is not None:
        answer(result, as_json, lambda document: training.show_trained(document, out))


@app.command("calibration")
def train_calibration(
    data: Texts,
    model: Annotated[Path, typer.Option(help="The folder of a trained model.")],
    out: Annotated[Path, typer.Option(help="The folder to make: the same model, calibrated.")],
    unknown: Strangers = None,
    as_json: Json = False,
) -> None:
    """Fit a model's confidence and its threshold of scope to rows of your own; its weights stay as they are."""
    from kuajie import training

    answer(training.calibrate_intent(model, data, unknown or [], out), as_json, training.show_calibrated)


@app.command("quantisation")
def train_quantisation(
    data: Texts,
    model: Annotated[Path, typer.Option(help="The folder of a trained model.")],
    validation: Annotated[list[Path], typer.Option(help="Rows that both forms are judged on.")],
    out: Annotated[Path, typer.Option(help="The folder to make: the same model, computed faster.")],
    as_json: Json = False,
) -> None:
    """Put a model of before into the int8 form that is computed faster now; its weights stay what they are."""
    from kuajie import training

    answer(training.quantise_again(model, data, validation, out), as_json, training.show_quantised)


@app.command("embedding")
def train_embedding(
    data: Texts,
    model: Annotated[Path, typer.Option(help="The folder of a trained model.")],
    out: Annotated[Path, typer.Option(help="The folder to make: the same model, with another embedding.")],
    teacher: Annotated[
        str, typer.Option(help="A Hugging Face folder or hub id of an encoder whose embeddings are to be come near to.")
    ] = "intfloat/multilingual-e5-small",
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Draws the texts.")] = 0,
    as_json: Json = False,
) -> None:
    """Read a model's embedding from several of its layers, near to a general encoder's; what it says of a text stays as it is."""
    from kuajie import training

    answer(training.give_meaning(model, data, teacher, out, seed), as_json, training.show_embedding)
