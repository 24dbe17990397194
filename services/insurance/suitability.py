"""What suits a person, by a stated rule set: a verdict for each kind of product, and for one product at one price.

The order of rules follows China's suitability rules in force since February 2026: needs, affordability, risk, term, an
explicit opinion, advice to stop when there is a mismatch, and more protection from 65.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Answer = str | int | bool | tuple[str, ...]
Answers = Mapping[str, Answer]
Kind = Literal["insurance", "loan", "instalment", "wealth"]
Outcome = Literal["suitable", "advise_against", "not_suitable"]

KINDS: tuple[Kind, ...] = ("insurance", "loan", "instalment", "wealth")
SENIOR_AGE = 65

_ORDER: tuple[Outcome, ...] = ("suitable", "advise_against", "not_suitable")


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The numbers of a rule set. Shares are of yearly income; incomes are the lower end of their band, to be careful."""

    version: str
    yearly_income: Mapping[str, Decimal]
    yearly_budget: Mapping[str, Decimal | None]
    debt_share: Mapping[str, Decimal]
    debt_share_cap: Decimal
    premium_share_cap: Decimal
    premium_share_cap_senior: Decimal
    risk_by_tolerance: Mapping[str, int]
    risk_by_loss_reaction: Mapping[str, int]
    risk_by_horizon: Mapping[str, int]
    risk_by_emergency_fund: Mapping[str, int]
    risk_cap_senior: int
    horizon_years: Mapping[str, int]
    commitment_years_cap_senior: int

    def premium_cap(self, senior: bool) -> Decimal:
        return self.premium_share_cap_senior if senior else self.premium_share_cap


@dataclass(frozen=True, slots=True)
class Situation:
    """What the answers amount to. `yearly_budget` None means that no ceiling was named; `risk_level` is 1 to 5."""

    needs: frozenset[str]
    cover: frozenset[str]
    yearly_income: Decimal
    yearly_budget: Decimal | None
    debt_share: Decimal
    short_reserves: bool
    risk_level: int
    horizon_years: int
    dependants: int
    understands_risks: bool
    age_band: str
    accompanied: bool

    @property
    def senior(self) -> bool:
        return self.age_band == "65_plus"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome with the codes that led to it; no codes when suitable."""

    outcome: Outcome
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fit:
    """What a product is for: the needs it meets, the cover it would only repeat, its risk (1 to 5) and years of commitment."""

    needs: frozenset[str]
    repeats: frozenset[str]
    risk_level: int
    commitment_years: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What a product would take from a year's income: as premium, or as repayment of credit."""

    yearly_premium: Decimal = Decimal(0)
    yearly_repayment: Decimal = Decimal(0)


def situation(answers: Answers, rules: RuleSet) -> Situation:
    """The situation that validated answers describe. Risk is the lowest of what is accepted and what can be borne."""
    horizon, reserves = str(answers["horizon"]), str(answers["emergency_fund"])
    senior = answers["age_band"] == "65_plus"
    risks = [
        rules.risk_by_tolerance[str(answers["risk_tolerance"])],
        rules.risk_by_loss_reaction[str(answers["loss_reaction"])],
        rules.risk_by_horizon[horizon],
        rules.risk_by_emergency_fund[reserves],
        *([rules.risk_cap_senior] if senior else []),
    ]
    return Situation(
        needs=_chosen(answers["needs"]),
        cover=_chosen(answers["existing_cover"]) - {"none"},
        yearly_income=rules.yearly_income[str(answers["income_band"])],
        yearly_budget=rules.yearly_budget[str(answers["yearly_budget"])],
        debt_share=rules.debt_share[str(answers["debt_share"])],
        short_reserves=reserves == "under_3",
        risk_level=min(risks),
        horizon_years=rules.horizon_years[horizon],
        dependants=int(str(answers["dependants"])),
        understands_risks=answers["understands_risks"] is True,
        age_band=str(answers["age_band"]),
        accompanied=answers.get("accompanied") is True,
    )


def kind_verdicts(person: Situation, rules: RuleSet) -> dict[Kind, Verdict]:
    """A verdict for every kind of product, before any product is looked at."""
    return {
        "insurance": _worst(_insurance(person)),
        "loan": _worst(_credit(person, rules, long_term=True)),
        "instalment": _worst(_credit(person, rules, long_term=False)),
        "wealth": _worst(_wealth(person, rules)),
    }


def product_verdict(
    person: Situation, rules: RuleSet, kind: Verdict, fit: Fit, cost: Cost, *, asked_for: bool
) -> Verdict:
    """The verdict on one product at one price. A need said right now (`asked_for`) counts as stated; nothing else bends."""
    return _worst([*((code, kind.outcome) for code in kind.codes), *_mismatches(person, rules, fit, cost, asked_for)])


Finding = tuple[str, Outcome]


def _everyone(person: Situation, unaccompanied: Outcome) -> Iterable[Finding]:
    if person.age_band == "under_18":
        yield "under_18", "not_suitable"
    if person.senior and not person.accompanied:
        yield "senior_unaccompanied", unaccompanied


def _insurance(person: Situation) -> Iterable[Finding]:
    yield from _everyone(person, "advise_against")
    if person.yearly_budget == 0:
        yield "no_budget_for_cover", "advise_against"


def _credit(person: Situation, rules: RuleSet, *, long_term: bool) -> Iterable[Finding]:
    yield from _everyone(person, "advise_against")
    if person.debt_share >= rules.debt_share_cap:
        yield "debt_above_cap", "not_suitable"
    if long_term and person.senior:
        yield "senior_credit", "advise_against"
    if long_term and person.short_reserves and person.debt_share > rules.debt_share_cap / 2:
        yield "reserves_first", "advise_against"


def _wealth(person: Situation, rules: RuleSet) -> Iterable[Finding]:
    yield from _everyone(person, "not_suitable")
    if not person.understands_risks:
        yield "risks_not_understood", "not_suitable"
    if person.short_reserves:
        yield "reserves_first", "advise_against"
    if person.debt_share >= rules.debt_share_cap:
        yield "debt_first", "advise_against"


def _mismatches(person: Situation, rules: RuleSet, fit: Fit, cost: Cost, asked_for: bool) -> Iterable[Finding]:
    if not (asked_for or fit.needs & person.needs):
        yield "need_not_stated", "advise_against"
    if fit.repeats & person.cover:
        yield "already_covered", "advise_against"
    if fit.risk_level > person.risk_level:
        yield "risk_above_tolerance", "not_suitable"
    if fit.commitment_years > person.horizon_years:
        yield "longer_than_horizon", "not_suitable"
    if person.senior and fit.commitment_years > rules.commitment_years_cap_senior:
        yield "senior_long_commitment", "not_suitable"
    yield from _unaffordable(person, rules, cost)


def _unaffordable(person: Situation, rules: RuleSet, cost: Cost) -> Iterable[Finding]:
    if cost.yearly_premium > person.yearly_income * rules.premium_cap(person.senior):
        yield "premium_above_cap", "not_suitable"
    if person.yearly_budget is not None and cost.yearly_premium > person.yearly_budget:
        yield "premium_above_budget", "advise_against"
    if cost.yearly_repayment and (
        person.debt_share + cost.yearly_repayment / person.yearly_income > rules.debt_share_cap
    ):
        yield "repayment_above_cap", "not_suitable"


def _worst(findings: Iterable[Finding]) -> Verdict:
    found = tuple(findings)
    outcome = max((each for _, each in found), key=_ORDER.index, default=_ORDER[0])
    return Verdict(outcome, tuple(dict.fromkeys(code for code, _ in found)))


def _chosen(answer: Answer) -> frozenset[str]:
    return frozenset(answer) if isinstance(answer, tuple) else frozenset({str(answer)})
