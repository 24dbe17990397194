"""Cells of CSV files for a spreadsheet, which takes a text for a formula where it begins like one (OWASP: CSV injection). Pure."""

import re

_FORMULA = re.compile(r"'*[=+\-@＝＋－＠\t\r\n]")
"""In either width, and with the apostrophes that may stand before it, lest what is guarded be taken for what was written."""


def guarded(text: str) -> str:
    """`text` with an apostrophe before it where it begins like a formula, which a spreadsheet shows as it is."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(cell: str) -> str:
    """The text that `guarded` made `cell` of. A text of other hands that begins so loses one apostrophe."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
