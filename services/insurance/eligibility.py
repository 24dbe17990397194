"""Whether a product may be sold to a person at all: rules as data, a verdict, and a stable code for every reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, assert_never

from services.insurance.age import completed_years

Fact = str | int | bool | None
Facts = Mapping[str, Fact]
Standing = Literal["eligible", "referred", "incomplete", "ineligible"]
Missing = Literal["incomplete", "referred", "eligible"]

# From the best to the worst: the worst finding is the verdict.
_ORDER: tuple[Standing, ...] = ("eligible", "referred", "incomplete", "ineligible")


@dataclass(frozen=True, slots=True)
class AgeRule:
    """Completed years at the start of cover, both ends allowed."""

    lowest: int
    highest: int


@dataclass(frozen=True, slots=True)
class EndAgeRule:
    """The age at the end of a term chosen in whole years; passes while the term is not known."""

    term: str
    highest: int


@dataclass(frozen=True, slots=True)
class RegionRule:
    """ISO 3166-2 codes by prefix: served, and excluded although the prefix is served."""

    serves: tuple[str, ...]
    excludes: tuple[str, ...]
    missing: Missing


@dataclass(frozen=True, slots=True)
class ValuesRule:
    """A fact that must not have one of these values; `outcome` says whether that refuses or goes to an underwriter."""

    fact: str
    values: frozenset[str]
    reason: str
    outcome: Literal["referred", "ineligible"]
    missing: Missing


Rule = AgeRule | EndAgeRule | RegionRule | ValuesRule


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found; `code` is None when there is nothing to say."""

    standing: Standing
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Eligibility:
    """The verdict and every reason for it, in the order of the rules."""

    verdict: Standing
    codes: tuple[str, ...]


_PASSED = Finding("eligible")


def assess(rules: Sequence[Rule], facts: Facts, on: date) -> Eligibility:
    """The verdict on facts for cover that begins on a day (of the product's timezone).

    `facts` may hold `birth_date` (ISO date), `region`, other declared facts and rating inputs; None counts as missing.
    """
    age = _age(facts, on)
    findings = [_find(rule, facts, age) for rule in rules]
    if age is None and facts.get("birth_date") is not None:
        findings.append(Finding("ineligible", "invalid_fact:birth_date"))
    worst = max((finding.standing for finding in findings), key=_ORDER.index, default=_ORDER[0])
    codes = dict.fromkeys(finding.code for finding in findings if finding.code is not None)
    return Eligibility(worst, tuple(codes))


def _age(facts: Facts, on: date) -> int | None:
    """Completed years; None when the birth date is missing, unreadable or later than `on`."""
    try:
        return completed_years(date.fromisoformat(str(facts.get("birth_date"))), on)
    except ValueError:
        return None


def _find(rule: Rule, facts: Facts, age: int | None) -> Finding:
    match rule:
        case AgeRule():
            return _age_finding(rule, facts, age)
        case EndAgeRule():
            return _end_age_finding(rule, facts, age)
        case RegionRule():
            return _region_finding(rule, facts.get("region"))
        case ValuesRule():
            return _values_finding(rule, facts.get(rule.fact))
        case _:
            assert_never(rule)


def _age_finding(rule: AgeRule, facts: Facts, age: int | None) -> Finding:
    if age is None:
        return _PASSED if facts.get("birth_date") is not None else Finding("incomplete", "missing_fact:birth_date")
    if age < rule.lowest:
        return Finding("ineligible", "age_below_minimum")
    if age > rule.highest:
        return Finding("ineligible", "age_above_maximum")
    return _PASSED


def _end_age_finding(rule: EndAgeRule, facts: Facts, age: int | None) -> Finding:
    term = facts.get(rule.term)
    if age is None or not isinstance(term, int) or age + term <= rule.highest:
        return _PASSED
    return Finding("ineligible", "term_ends_above_maximum_age")


def _region_finding(rule: RegionRule, region: Fact) -> Finding:
    if region is None:
        return _missing(rule.missing, "region")
    served = any(_within(str(region), prefix) for prefix in rule.serves)
    excluded = any(_within(str(region), prefix) for prefix in rule.excludes)
    return _PASSED if served and not excluded else Finding("ineligible", "region_not_served")


def _within(region: str, prefix: str) -> bool:
    return region == prefix or region.startswith(f"{prefix}-")


def _values_finding(rule: ValuesRule, value: Fact) -> Finding:
    if value is None:
        return _missing(rule.missing, rule.fact)
    written = str(value).lower() if isinstance(value, bool) else str(value)
    return Finding(rule.outcome, rule.reason) if written in rule.values else _PASSED


def _missing(standing: Missing, fact: str) -> Finding:
    return _PASSED if standing == "eligible" else Finding(standing, f"missing_fact:{fact}")
