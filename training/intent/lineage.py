"""What a package was made of, run by run: each began with an encoder or with another package, and learned from so many texts."""

import re
from collections.abc import Sequence
from pathlib import Path

from services.intent.trained.package import Package, Step

CARD = "README.md"
_TOLD = re.compile(r"from `([^`]+)` with .+, fine-tuned on (\d+) texts\.")
"""The last run, as cards told it before model.json told all of them."""


def lineage_of(package: Package) -> tuple[Step, ...]:
    """The runs that made it, first to last; of a package from before they were written down the one that its card tells of."""
    if package.description.lineage or CARD not in package.manifest.files:
        return package.description.lineage
    found = _TOLD.search((package.folder / CARD).read_text(encoding="utf-8"))
    return (Step(base=found[1], texts=int(found[2])),) if found else ()


def name_of(base: str | Path) -> str:
    """A base that is no package: the name of its folder, not where that lies, or its hub id."""
    return Path(base).resolve().name if Path(base).exists() else str(base)


def told(lineage: Sequence[Step], kept: str) -> str:
    """What a card says of it; `kept` names the layers that the last run kept."""
    *before, last = lineage
    said = f"from `{last.base}` with {kept}, fine-tuned on {last.texts} texts."
    if not before:
        return said
    runs = ", then ".join(f"from `{step.base}` on {step.texts} texts" for step in before)
    return f"{said}\n`{last.base}` had been made {runs}. A text that several runs learned from counts in each."
