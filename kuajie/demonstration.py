"""The first load of the demo: its world through the public API, then one fit of everything.

`python -m kuajie.demonstration` runs beside the supervisor, so that numpy and scikit-learn leave memory with it. It finds the
stack by KUAJIE_URL, KUAJIE_API_KEY and KUAJIE_ARTIFACTS_DIR and prints one JSON document: what was loaded, or the error.
"""

import asyncio
import dataclasses
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kuajie.data_folder import DataFolder
from kuajie.failures import CommandError
from kuajie.gateway import Gateway, find_gateway
from kuajie.terminal import progress, show_json

REMEMBERED = "demo.json"


def load_and_fit(gateway: Gateway) -> dict[str, Any]:
    """What was loaded and fitted. Raises CommandError."""
    from demo import EXAMPLE_CALL
    from demo.load import LoadFailed, load
    from kuajie.fitting import FITS, fit

    with stages() as show_stage:
        try:
            report = asyncio.run(load(gateway.url, gateway.api_key, progress=show_stage))
        except LoadFailed as error:
            raise CommandError(f"the demo cannot be loaded: {error}") from error
    return {"loaded": dataclasses.asdict(report), "fitted": fit(tuple(FITS), gateway), "example": EXAMPLE_CALL}


@contextmanager
def stages() -> Iterator[Any]:
    """A `demo.load` progress callback: one bar a stage."""
    shown: dict[str, int] = {}
    with progress("demo", None) as advance:

        def show_stage(stage: str, done: int, total: int) -> None:
            advance(done - shown.get(stage, 0))
            shown[stage] = done

        yield show_stage


def main() -> None:
    folder = DataFolder(Path(os.environ["KUAJIE_ARTIFACTS_DIR"]).parent)
    try:
        show_json(load_and_fit(find_gateway(folder, None, None)))
    except CommandError as error:
        show_json({"error": str(error)})
        sys.exit(1)


if __name__ == "__main__":
    main()
