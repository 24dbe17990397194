"""Rating inputs against a product's JSON Schema: what is wrong is said by field, never with the value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from services.insurance.age import completed_years
from services.insurance.rating.tariff import Input
from services.insurance.rating.trace import RatingRefused

_FORMATS = FormatChecker(["date"])


@dataclass(frozen=True, slots=True)
class InputProblem:
    """One input at fault: its name (empty for the whole), a stable code, a sentence."""

    name: str
    code: str
    detail: str


class InputSchema:
    """The compiled schema of a product's inputs."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.properties: Mapping[str, Any] = schema.get("properties", {})
        self._all = Draft202012Validator(schema, format_checker=_FORMATS)
        self._each = {
            name: Draft202012Validator(part, format_checker=_FORMATS) for name, part in self.properties.items()
        }

    def problems(self, inputs: Mapping[str, Any]) -> list[InputProblem]:
        """Everything wrong with inputs, in the order of the schema; empty when they can be rated."""
        return [problem for error in self._all.iter_errors(inputs) for problem in _problems(error)]

    def accepts(self, name: str, value: object) -> bool:
        """Whether the value is a valid one for the input of that name."""
        validator = self._each.get(name)
        return validator is not None and validator.is_valid(value)


def derived(inputs: Mapping[str, Input], on: date) -> dict[str, Input]:
    """The inputs with `age` in completed years where a birth date is given. Raises RatingRefused for one in the future."""
    if "birth_date" not in inputs:
        return dict(inputs)
    birth = date.fromisoformat(str(inputs["birth_date"]))
    if birth > on:
        raise RatingRefused("in_the_future", "birth_date", "birth_date lies in the future")
    return {**inputs, "age": completed_years(birth, on)}


def _problems(error: ValidationError) -> Iterator[InputProblem]:
    path = ".".join(str(part) for part in error.absolute_path)
    match error.validator:
        case "required":
            yield from (InputProblem(name, "missing", f"{name} is required") for name in _absent(error))
        case "additionalProperties":
            yield from (InputProblem(name, "unknown", f"{name} is not an input") for name in _unknown(error))
        case _:
            yield InputProblem(path, f"schema_{error.validator}", _sentence(path, error))


def _absent(error: ValidationError) -> list[str]:
    """One error of jsonschema stands for one absent name; its message begins with it, quoted."""
    required: Any = error.validator_value
    return [name for name in required if f"{name!r} is a required property" == error.message]


def _unknown(error: ValidationError) -> list[str]:
    instance: Any = error.instance
    schema: Any = error.schema
    return sorted(set(instance) - set(schema.get("properties", {})))


_SAID = {
    "type": "must be of type {}",
    "enum": "must be one of {}",
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "multipleOf": "must be a multiple of {}",
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "pattern": "must match {}",
    "format": "must be a {}",
}


def _sentence(path: str, error: ValidationError) -> str:
    said = _SAID.get(str(error.validator), "does not fit the schema")
    limit = error.validator_value
    return f"{path or 'inputs'} " + said.format(", ".join(map(str, limit)) if isinstance(limit, list) else limit)
