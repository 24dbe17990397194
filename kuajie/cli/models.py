"""`kuajie models`: which version of the intent model serves, and which stand beside it."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from kuajie.cli.options import Data, Json, Key, Url, answer, data_folder, gateway
from kuajie.terminal import show

app = typer.Typer(help="Versions of the intent model: publish, load, promote, shadow, retire.")

Version = Annotated[str, typer.Argument(help="As `kuajie models list` shows it.")]
Wait = Annotated[float, typer.Option(min=0, help="Seconds to wait until every process has done it; 0: do not wait.")]


@app.command("list")
def list_models(url: Url = None, api_key: Key = None, data: Data = None, as_json: Json = False) -> None:
    """Every version: what was asked of it, and how it stands in every process."""
    from kuajie import models

    found = {"models": models.listed(gateway(url, api_key, data))}
    answer(found, as_json, lambda document: models.show_models(document["models"]))


@app.command("show")
def show_model(
    version: Version, url: Url = None, api_key: Key = None, data: Data = None, as_json: Json = False
) -> None:
    """One version, and how far it agreed with what served when it was a shadow."""
    from kuajie import models

    answer(models.read(gateway(url, api_key, data), version), as_json, _show_model)


@app.command("publish")
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

    given = os.environ.get("KUAJIE_ARTIFACTS_DIR")
    store = artifacts or (Path(given) if given else data_folder(data).artifacts)
    answer(models.publish(folder, store), as_json, _show_published)


@app.command("load")
def load_model(
    version: Version, wait: Wait = 120.0, url: Url = None, api_key: Key = None, data: Data = None, as_json: Json = False
) -> None:
    """Hold a version ready beside the one that serves."""
    from kuajie import models

    answer(models.ask(gateway(url, api_key, data), version, "load", wait=wait), as_json, _show_model)


@app.command("promote")
def promote_model(
    version: Version, wait: Wait = 120.0, url: Url = None, api_key: Key = None, data: Data = None, as_json: Json = False
) -> None:
    """Serve a version; back to the one before by promoting that one."""
    from kuajie import models

    answer(models.ask(gateway(url, api_key, data), version, "promote", wait=wait), as_json, _show_model)


@app.command("shadow")
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

    asked = models.ask(gateway(url, api_key, data), version, "shadow", wait=wait, body={"share": share})
    answer(asked, as_json, _show_model)


@app.command("unshadow")
def unshadow_model(
    version: Version, wait: Wait = 120.0, url: Url = None, api_key: Key = None, data: Data = None, as_json: Json = False
) -> None:
    """End a shadow; the version stays ready."""
    from kuajie import models

    answer(models.ask(gateway(url, api_key, data), version, "unshadow", wait=wait), as_json, _show_model)


@app.command("retire")
def retire_model(
    version: Version, wait: Wait = 120.0, url: Url = None, api_key: Key = None, data: Data = None, as_json: Json = False
) -> None:
    """Let a version go; its files stay."""
    from kuajie import models

    answer(models.ask(gateway(url, api_key, data), version, "retire", wait=wait), as_json, _show_model)


def _show_model(model: dict[str, Any]) -> None:
    from kuajie import models

    models.show_models([model])
    models.show_agreement(model)


def _show_published(published: dict[str, Any]) -> None:
    version = published["version"]
    show(f"published {version} at {published['folder']}; serve it: kuajie models promote {version}")
