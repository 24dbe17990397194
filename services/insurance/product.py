"""A product ready for work: its definition with tariff, rules and input schema compiled."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from services.insurance.age import local_date
from services.insurance.definition import ProductDefinition
from services.insurance.eligibility import Rule
from services.insurance.inputs import InputSchema, derived
from services.insurance.rating.rate import Rating, rate
from services.insurance.rating.tariff import Input, Tariff
from services.insurance.suitability import Fit, Kind


@dataclass(frozen=True, slots=True)
class Product:
    """One version of a product. Build it with `prepare`, once for each checksum."""

    definition: ProductDefinition
    document: Mapping[str, Any]
    checksum: str
    tariff: Tariff
    rules: tuple[Rule, ...]
    fit: Fit
    inputs: InputSchema

    @property
    def product_id(self) -> str:
        return self.definition.product_id

    @property
    def kind(self) -> Kind:
        return self.definition.kind

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(self.definition.topics)

    def day(self, moment: datetime) -> date:
        """The calendar day of a moment in the product's timezone."""
        return local_date(moment, self.definition.timezone)

    def sold_on(self, day: date) -> bool:
        """Whether the version is in effect on a day; the last day is the one before `effective_to`."""
        ends = self.definition.effective_to
        return self.definition.effective_from <= day and (ends is None or day < ends)

    def price(self, inputs: Mapping[str, Input], day: date) -> Rating:
        """The rating of inputs that the schema has passed. Raises RatingRefused."""
        return rate(self.tariff, derived(inputs, day))


def prepare(definition: ProductDefinition, document: Mapping[str, Any], checksum: str) -> Product:
    """Compile a checked definition."""
    return Product(
        definition=definition,
        document=document,
        checksum=checksum,
        tariff=definition.rating.compiled(definition.currency),
        rules=tuple(rule.compiled() for rule in definition.eligibility),
        fit=definition.suitability.compiled(),
        inputs=InputSchema(definition.inputs),
    )
