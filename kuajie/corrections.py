"""`kuajie export intent-corrections`: what agents put right, as rows to train from."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from kuajie.failures import BadInput
from kuajie.gateway import Gateway
from kuajie.whole_files import write_whole
from services.kit.spreadsheet import guarded

COLUMNS = ("text", "label", "lang")


def export(out: Path, gateway: Gateway) -> int:
    """Write all corrections, the newest of a text only; how many rows there are. Raises BadInput for a file that cannot be written.

    They are looked through in a spreadsheet before they are trained on, and Excel takes Chinese for GBK where no byte order mark tells
    otherwise. Whatever reads rows here passes over one, and over the apostrophe before what would be a formula.
    """
    rows = {each["text"]: each for each in _corrections(gateway)}
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(each | {"text": guarded(each["text"])} for each in rows.values())
    try:
        write_whole(out, table.getvalue().encode("utf-8-sig"))
    except OSError as error:
        raise BadInput(f"{out}: cannot be written: {error.strerror}") from error
    return len(rows)


def _corrections(gateway: Gateway) -> Iterator[dict[str, Any]]:
    """Page by page, the oldest first."""
    cursor: str | None = None
    while True:
        page = gateway.get(
            f"/v1/assist/corrections?{urlencode({'limit': 200, **({'cursor': cursor} if cursor else {})})}"
        )
        yield from page["data"]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            return
