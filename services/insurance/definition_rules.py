"""The eligibility and suitability parts of a product definition, checked and compiled."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from services.insurance import eligibility
from services.insurance.definition_rating import Code
from services.insurance.eligibility import Missing
from services.insurance.suitability import Fit
from services.kit.wire import EdgeModel

RegionCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]


class AgeRule(EdgeModel):
    """Completed years, both ends allowed."""

    rule: Literal["age"]
    lowest: int = Field(alias="min", ge=0, le=120)
    highest: int = Field(alias="max", ge=0, le=120)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.highest < self.lowest:
            raise ValueError("max lies below min")
        return self

    def compiled(self) -> eligibility.Rule:
        return eligibility.AgeRule(self.lowest, self.highest)


class EndAgeRule(EdgeModel):
    """The age at the end of the term in the input `term`, in whole years."""

    rule: Literal["age_at_end"]
    term: Code
    highest: int = Field(alias="max", ge=1, le=130)

    def compiled(self) -> eligibility.Rule:
        return eligibility.EndAgeRule(self.term, self.highest)


class RegionRule(EdgeModel):
    """ISO 3166 codes; a country stands for its subdivisions."""

    rule: Literal["region"]
    serves: list[RegionCode] = Field(min_length=1)
    excludes: list[RegionCode] = Field(default_factory=list)
    if_missing: Missing

    def compiled(self) -> eligibility.Rule:
        return eligibility.RegionRule(tuple(self.serves), tuple(self.excludes), self.if_missing)


class ValuesRule(EdgeModel):
    """A fact or input that must not have one of these values, as tables write them (`true` for a yes)."""

    rule: Literal["excluded_values"]
    fact: Code
    values: list[str] = Field(min_length=1)
    reason: Code
    outcome: Literal["referred", "ineligible"]
    if_missing: Missing

    def compiled(self) -> eligibility.Rule:
        return eligibility.ValuesRule(self.fact, frozenset(self.values), self.reason, self.outcome, self.if_missing)


EligibilityRule = Annotated[AgeRule | EndAgeRule | RegionRule | ValuesRule, Field(discriminator="rule")]

Need = Literal[
    "medical_costs",
    "serious_illness",
    "accident",
    "family_protection",
    "retirement",
    "education",
    "travel",
    "belongings",
    "spread_cost",
    "grow_savings",
]
Cover = Literal["social_medical", "medical", "critical_illness", "life", "accident", "pension"]


class SuitabilityFit(EdgeModel):
    """What the product is for. `repeats`: cover beside which it would bring nothing more."""

    needs: list[Need] = Field(min_length=1)
    repeats: list[Cover] = Field(default_factory=list)
    risk_level: int = Field(ge=1, le=5)
    commitment_years: int = Field(ge=0, le=60)

    def compiled(self) -> Fit:
        return Fit(frozenset(self.needs), frozenset(self.repeats), self.risk_level, self.commitment_years)
