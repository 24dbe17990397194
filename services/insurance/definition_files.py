"""Product definitions from files: one file a version; what is wrong is said with the file and the field."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from services.insurance.definition import ProductDefinition, checksum
from services.kit.wire import message_of

FOLDER = Path(__file__).parent / "products"


class InvalidDefinition(ValueError):
    """A definition that cannot be used. The message names the file and the field."""


@dataclass(frozen=True, slots=True)
class DefinitionFile:
    """A checked definition, its document as it was written, and the checksum that pins it."""

    definition: ProductDefinition
    document: dict[str, Any]
    checksum: str


def load_definitions(folder: Path) -> tuple[DefinitionFile, ...]:
    """All definitions of a folder by product and version. Raises InvalidDefinition."""
    files = [_read(path) for path in sorted(folder.glob("*.json"))]
    return tuple(sorted(files, key=lambda file: (file.definition.product_id, file.definition.version)))


@cache
def shipped() -> tuple[DefinitionFile, ...]:
    """The definitions that come with this build; read once."""
    return load_definitions(FOLDER)


def parse_definition(document: dict[str, Any], source: str) -> ProductDefinition:
    """The checked definition. Raises InvalidDefinition with `source` and the first fields at fault."""
    try:
        return ProductDefinition.model_validate(document)
    except ValidationError as error:
        found = "; ".join(_sentence(each) for each in error.errors()[:5])
        raise InvalidDefinition(f"{source}: {found}") from error


def _read(path: Path) -> DefinitionFile:
    try:
        document = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise InvalidDefinition(f"{path.name}: not JSON: {error}") from error
    if not isinstance(document, dict):
        raise InvalidDefinition(f"{path.name}: not a JSON object")
    definition = parse_definition(document, path.name)
    if path.name != f"{definition.product_id}.v{definition.version}.json":
        raise InvalidDefinition(f"{path.name}: product_id, version: the name must be <product_id>.v<version>.json")
    return DefinitionFile(definition, document, checksum(document))


def _sentence(error: Any) -> str:
    field = ".".join(str(part) for part in error["loc"])
    message = message_of(error)
    return f"{field}: {message}" if field else message
