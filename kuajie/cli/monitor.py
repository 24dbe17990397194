"""`kuajie monitor`: opinion monitoring over files."""

from pathlib import Path
from typing import Annotated

import typer

from kuajie.cli.options import CusumLimit, Json, answer

app = typer.Typer(help="Opinion monitoring away from the service.")


@app.command("replay")
def replay_monitor(
    file: Annotated[
        Path, typer.Argument(help="text, published_at; document_id, topic, sentiment. CSV, NDJSON or Parquet.")
    ],
    out: Annotated[Path | None, typer.Option(help="A folder for replay.html and replay.json.")] = None,
    timezone: Annotated[str, typer.Option(help="Whose hours and weeks are meant.")] = "Asia/Shanghai",
    cusum_limit: CusumLimit = None,
    model: Annotated[
        Path | None, typer.Option(help="The folder of a trained model; by default the one that ships.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run dated documents through opinion monitoring: which alerts there would have been, and plots."""
    from kuajie import monitoring

    document = monitoring.replay_file(file, out, zone=timezone, model=model, cusum_limit=cusum_limit)
    answer(document, as_json, monitoring.show_replay)
