"""`kuajie import`: files of items and events, and documents of knowledge."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kuajie.cli.options import Data, Json, Key, Url, answer, gateway

if TYPE_CHECKING:
    from kuajie.gateway import Gateway

app = typer.Typer(help="Bring in a file of items or events (CSV, NDJSON, Parquet), or a document of knowledge.")

Strict = Annotated[bool, typer.Option("--strict", help="Write nothing if any row is bad.")]
File = Annotated[Path, typer.Argument(help="A .csv, .ndjson, .jsonl or .parquet file.")]


@app.command("items")
def import_items(
    file: File, strict: Strict = False, url: Url = None, api_key: Key = None, data: Data = None, as_json: Json = False
) -> None:
    """Bring in items: item_id, title, categories (`|` between them); price, currency, language, description, published_at."""
    _import("items", file, strict, lambda: gateway(url, api_key, data), as_json)


@app.command("events")
def import_events(
    file: File, strict: Strict = False, url: Url = None, api_key: Key = None, data: Data = None, as_json: Json = False
) -> None:
    """Bring in events: user_id, item_id, timestamp; message_id, type, value, currency, properties."""
    _import("events", file, strict, lambda: gateway(url, api_key, data), as_json)


@app.command("knowledge")
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
    sent = knowledge.send(file, given, gateway(url, api_key, data))
    answer(sent, as_json, lambda document: knowledge.show_import(file, document))


def _import(kind: str, file: Path, strict: bool, find: "Callable[[], Gateway]", as_json: bool) -> None:
    from kuajie.importing import KINDS, import_file, show_report

    report = import_file(KINDS[kind], file, find, strict=strict)
    answer(report.document(), as_json, lambda document: show_report(file, document))
