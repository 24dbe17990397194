"""`kuajie fit`: from what the stack knows to what it serves."""

from typing import Annotated

import typer

from kuajie.cli.options import Data, Json, Key, Url, answer, gateway


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
    fitted = {"fitted": fitting.fit(kinds, gateway(url, api_key, data), wait=wait, seed=seed)}
    answer(fitted, as_json, lambda document: fitting.show_fitted(document["fitted"]))
