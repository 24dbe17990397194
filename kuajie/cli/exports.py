"""`kuajie export`: what the stack has learnt, as files."""

from pathlib import Path
from typing import Annotated

import typer

from kuajie.cli.options import Data, Json, Key, Url, answer, gateway
from kuajie.terminal import show

app = typer.Typer(help="Take out what the stack has learnt.")


@app.command("intent-corrections")
def export_intent_corrections(
    out: Annotated[Path, typer.Option(help="The CSV file to write: what `kuajie train intent --data` takes.")],
    url: Url = None,
    api_key: Key = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Write the labels that agents put right in customer service, one text a row."""
    from kuajie import corrections

    written = corrections.export(out, gateway(url, api_key, data))
    answer({"rows": written, "file": str(out)}, as_json, lambda _: show(f"{out}: {written} rows"))
