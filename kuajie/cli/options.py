"""What many subcommands take, and how each of them answers."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from kuajie.terminal import show_json

if TYPE_CHECKING:
    from kuajie.data_folder import DataFolder
    from kuajie.gateway import Gateway

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
Data = Annotated[Path | None, typer.Option(help="The stack's folder. Default: KUAJIE_DATA_DIR, else .kuajie here.")]
Url = Annotated[str | None, typer.Option(help="A gateway elsewhere. Default: KUAJIE_URL, else the stack here.")]
Key = Annotated[str | None, typer.Option(help="Its API key. Default: KUAJIE_API_KEY.")]
Texts = Annotated[list[Path], typer.Option("--data", help="A CSV file with text and label; may be given again.")]
Strangers = Annotated[
    list[Path] | None,
    typer.Option("--oos", help="Texts that are out of scope, whatever their labels: CSV, or .txt with one a line."),
]
CusumLimit = Annotated[
    float | None,
    typer.Option(
        min=3,
        max=30,
        help="Evidence in nats that tells a surge, in place of KUAJIE_INTENT_MONITOR_CUSUM_LIMIT's default.",
    ),
]

Document = TypeVar("Document")


def data_folder(data: Path | None) -> "DataFolder":
    from kuajie.data_folder import DataFolder, default_folder

    return DataFolder(data.absolute() if data else default_folder())


def gateway(url: str | None, api_key: str | None, data: Path | None) -> "Gateway":
    """The gateway that was named, else the one of the stack on the folder. Raises BadInput where there is none."""
    from kuajie.gateway import find_gateway

    return find_gateway(data_folder(data), url, api_key)


def answer(document: Document, as_json: bool, shown: Callable[[Document], object]) -> None:
    """Print the document with --json; otherwise `shown` puts it before a person."""
    if as_json:
        show_json(document)
    else:
        shown(document)
