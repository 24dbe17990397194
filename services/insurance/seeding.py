"""How the definitions that come with the build reach a tenant's database, and when they may not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from services.insurance.definition_files import DefinitionFile

VersionKey = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """Files to insert with their status, and versions whose file no longer says what was loaded."""

    inserts: tuple[tuple[DefinitionFile, Literal["live", "retired"]], ...]
    changed: tuple[VersionKey, ...]


def plan(files: Iterable[DefinitionFile], loaded: Mapping[VersionKey, str]) -> Plan:
    """What to do for a tenant whose versions have these checksums.

    A file goes live when its version is above everything that the tenant has of the product; older ones go straight to the
    archive, so that they can be looked up. Nothing that exists is touched: a version is immutable, and a product that was
    retired stays so.
    """
    by_key = {(file.definition.product_id, file.definition.version): file for file in files}
    highest: dict[str, int] = {}
    for product_id, version in (*by_key, *loaded):
        highest[product_id] = max(version, highest.get(product_id, 0))
    inserts = tuple(
        (file, _status(version, highest[product_id]))
        for (product_id, version), file in sorted(by_key.items())
        if (product_id, version) not in loaded
    )
    changed = tuple(key for key, file in sorted(by_key.items()) if loaded.get(key, file.checksum) != file.checksum)
    return Plan(inserts, changed)


def _status(version: int, highest: int) -> Literal["live", "retired"]:
    return "live" if version == highest else "retired"
