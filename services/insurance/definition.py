"""A product as data: what it is, its inputs, rates, rules and texts, checked as a whole before anything uses it."""

import hashlib
from datetime import date
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import AfterValidator, Field, JsonValue, StringConstraints, field_validator, model_validator

from services.insurance.definition_checks import problems_of
from services.insurance.definition_rating import Code, Rates
from services.insurance.definition_rules import EligibilityRule, SuitabilityFit
from services.insurance.wire_types import Kind, ProductId
from services.kit.money import Currency
from services.kit.wire import EdgeModel

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,31}$")]
LOCALES = ("zh-CN", "en")

# A float is not exact, so there is no input of type number.
_INPUT_TYPES = ("string", "integer", "boolean")


def _in_every_locale(text: dict[str, str]) -> dict[str, str]:
    for locale in LOCALES:
        if not text.get(locale, "").strip():
            raise ValueError(f"no text in {locale}")
    return text


Text = Annotated[dict[str, str], AfterValidator(_in_every_locale)]


class Document(EdgeModel):
    """A document with its text; `key_facts` is the one that every product has."""

    code: Code
    title: Text
    text: Text


class Disclosure(EdgeModel):
    """A sentence that must be shown with the product."""

    code: Slug
    text: Text


class ProductDefinition(EdgeModel):
    """One version of a product. Nothing in it says what anybody earns by selling it, and nothing may."""

    product_id: ProductId
    version: int = Field(ge=1)
    kind: Kind
    illustrative: bool
    jurisdiction: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    timezone: str
    currency: Currency
    effective_from: date
    effective_to: date | None = None
    title: Text
    summary: Text
    topics: list[Slug] = Field(min_length=1)
    consents: list[Literal["finance", "health"]]
    health_inputs: list[Code] = Field(default_factory=list)
    inputs: dict[str, JsonValue]
    rating: Rates
    eligibility: list[EligibilityRule] = Field(min_length=1)
    suitability: SuitabilityFit
    assumed: dict[str, int | bool | str]
    documents: list[Document] = Field(min_length=1)
    disclosures: list[Disclosure] = Field(min_length=1)

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: a folder of zones, as "Europe"
            raise ValueError("not an IANA timezone") from error
        return name

    @field_validator("inputs")
    @classmethod
    def _closed_schema(cls, schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            raise ValueError(f"not a JSON Schema: {error.message}") from error
        if schema.get("type") != "object" or schema.get("additionalProperties") is not False:
            raise ValueError("must describe an object and allow no additional properties")
        if any(word in canonical(schema) for word in (b'"$ref"', b'"$dynamicRef"')):
            raise ValueError("must stand by itself, without references")
        for name, part in _properties(schema).items():
            if not isinstance(part, dict) or part.get("type") not in _INPUT_TYPES:
                raise ValueError(f"properties.{name} must be of type {', '.join(_INPUT_TYPES)}")
            if part["type"] == "integer" and not all(type(each) is int for each in _values(part)):
                raise ValueError(f"properties.{name} must list and bound its values by integers")
        return schema

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        found = list(problems_of(self))
        if found:
            raise ValueError("; ".join(found))
        return self


def _properties(schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
    properties = schema.get("properties", {})
    return properties if isinstance(properties, dict) else {}


def _values(part: dict[str, JsonValue]) -> list[JsonValue]:
    """Every number that a property's schema names."""
    listed = part.get("enum", [])
    bounds = [part[name] for name in ("minimum", "maximum") if name in part]
    return [*(listed if isinstance(listed, list) else []), *bounds]


def canonical(definition: dict[str, Any]) -> bytes:
    """A definition in one form, whatever the order of its keys and the spacing of its file."""
    return orjson.dumps(definition, option=orjson.OPT_SORT_KEYS)


def checksum(definition: dict[str, Any]) -> str:
    """SHA-256 of the canonical form, in hexadecimal."""
    return hashlib.sha256(canonical(definition)).hexdigest()
