"""Which products to offer a person, from facts alone: hard gates first, then eligibility, price, suitability and rank.

Pure and deterministic: the same question, products, record and moment always give the same answer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from services.insurance.age import completed_years
from services.insurance.eligibility import Eligibility, Fact, assess
from services.insurance.product import Product
from services.insurance.ranking import Candidate, Ranked, Wishes, rank
from services.insurance.rating.premium import PremiumRating
from services.insurance.rating.rate import Rating
from services.insurance.rating.repayment import RepaymentRating
from services.insurance.rating.tariff import Input
from services.insurance.rating.trace import RatingRefused
from services.insurance.suitability import (
    SENIOR_AGE,
    Cost,
    Kind,
    RuleSet,
    Situation,
    Verdict,
    product_verdict,
)

Gate = Literal["consent_required", "suitability_required"]
Stage = Literal["eligibility", "rating", "suitability", "offered"]

# Intents that ask for a product, so that their topics are topics of demand; a claim or a cancellation is not.
_ASKING = ("insurance.", "loan.", "instalment.", "invest.", "risk.")
_NOT_ASKING = frozenset({"insurance.claim", "insurance.cancel"})

_PERIODS_A_YEAR = {"once": 1, "trip": 1, "course": 1, "month": 12, "year": 1}


@dataclass(frozen=True, slots=True)
class Question:
    """What is known of a person and what they want, at one moment.

    `consents` None: nobody we know. `day` is the moment's calendar day where the suitability rules apply.
    """

    facts: Mapping[str, Fact]
    consents: Mapping[str, bool] | None
    domains: frozenset[str]
    label: str | None
    topics: frozenset[str]
    confidence: Decimal
    moment: datetime
    day: date

    @property
    def asked_topics(self) -> frozenset[str]:
        asking = self.label is not None and self.label.startswith(_ASKING) and self.label not in _NOT_ASKING
        return self.topics if asking else frozenset()


@dataclass(frozen=True, slots=True)
class Standing:
    """A person's newest suitability record, made by the questions and rules of now."""

    situation: Situation
    verdicts: Mapping[Kind, Verdict]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Considered:
    """One product that was looked at: how far it came and why. `inputs` are those it was priced with."""

    product: Product
    stage: Stage
    eligibility: Eligibility
    inputs: Mapping[str, Input]
    assumed: tuple[str, ...] = ()
    rating: Rating | None = None
    verdict: Verdict | None = None
    codes: tuple[str, ...] = ()
    asked_for: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What is offered, best first, and what is not, in the order of product ids."""

    offered: tuple[Considered, ...]
    refused: tuple[Considered, ...]

    @property
    def missing_facts(self) -> list[str]:
        codes = (code for each in self.refused for code in each.codes)
        return sorted({code.partition(":")[2] for code in codes if code.startswith("missing_fact:")})


def gate(question: Question, standing: Standing | None) -> Gate | None:
    """The first thing that is missing before any product may be looked at; None when nothing is."""
    if question.consents is None or question.consents.get("finance") is not True:
        return "consent_required"
    if standing is None or standing.expires_at <= question.moment:
        return "suitability_required"
    if _turned_senior(question, standing.situation):
        return "suitability_required"
    return None


def decide(question: Question, products: Iterable[Product], standing: Standing, rules: RuleSet) -> Decision:
    """Every product in effect, considered for a person who passed the gate."""
    person = standing.situation
    on_sale = [product for product in products if product.sold_on(product.day(question.moment))]
    looked_at = [_consider(product, question, standing, rules) for product in on_sale]
    suitable = {each.product.product_id: each for each in looked_at if each.stage == "offered"}
    cap = rules.premium_cap(person.senior)
    ranked = rank((_candidate(each, person, cap) for each in suitable.values()), _wishes(question, person))
    offered = tuple(_with_reasons(suitable[each.product_id], each) for each in ranked)
    refused = sorted((each for each in looked_at if each.stage != "offered"), key=lambda each: each.product.product_id)
    return Decision(offered, tuple(refused))


def age_of(facts: Mapping[str, Fact], day: date) -> int | None:
    """Completed years; None when the birth date is missing, unreadable or in the future."""
    try:
        return completed_years(date.fromisoformat(str(facts.get("birth_date"))), day)
    except ValueError:
        return None


def _turned_senior(question: Question, person: Situation) -> bool:
    """Answers given before 65 do not count from 65 on: the rules that protect are others."""
    age = age_of(question.facts, question.day)
    return age is not None and age >= SENIOR_AGE and not person.senior


def _consider(product: Product, question: Question, standing: Standing, rules: RuleSet) -> Considered:
    day = product.day(question.moment)
    facts = {**question.facts, "social_medical": "social_medical" in standing.situation.cover}
    inputs, assumed = _inputs(product, facts)
    eligibility = assess(product.rules, {**inputs, **question.facts}, day)
    asked_for = bool(question.asked_topics & set(product.topics))
    seen = Considered(product, "eligibility", eligibility, inputs, assumed, asked_for=asked_for)
    if eligibility.verdict in ("ineligible", "incomplete"):
        return replace(seen, codes=eligibility.codes)
    try:
        rating = product.price(inputs, day)
    except RatingRefused as refusal:
        return replace(seen, stage="rating", codes=(f"not_priced:{refusal.input}",))
    kind = standing.verdicts[product.kind]
    verdict = product_verdict(standing.situation, rules, kind, product.fit, _cost(rating), asked_for=asked_for)
    stage: Stage = "offered" if verdict.outcome == "suitable" else "suitability"
    return replace(seen, stage=stage, rating=rating, verdict=verdict, codes=verdict.codes)


def _inputs(product: Product, facts: Mapping[str, Fact]) -> tuple[dict[str, Input], tuple[str, ...]]:
    """Declared facts where the product's schema accepts them, its assumptions elsewhere; and which were assumed."""
    inputs: dict[str, Input] = {}
    assumed = []
    for name in product.inputs.properties:
        fact = facts.get(name)
        if fact is not None and product.inputs.accepts(name, fact):
            inputs[name] = fact
        elif name in product.definition.assumed:
            inputs[name] = product.definition.assumed[name]
            assumed.append(name)
    return inputs, tuple(assumed)


def _cost(rating: Rating) -> Cost:
    match rating:
        case PremiumRating():
            return Cost(yearly_premium=rating.premium * _PERIODS_A_YEAR[rating.period])
        case RepaymentRating():
            return Cost(yearly_repayment=rating.payment * 12)
        case _:
            return Cost()


def _candidate(each: Considered, person: Situation, premium_cap: Decimal) -> Candidate:
    """What ranking may see of a product; nothing about what anybody earns is among it."""
    cost = _cost(each.rating) if each.rating else Cost()
    yearly = cost.yearly_premium + cost.yearly_repayment
    return Candidate(
        product_id=each.product.product_id,
        topics=each.product.topics,
        needs=each.product.fit.needs,
        share_of_income=yearly / person.yearly_income if yearly else None,
        share_cap=premium_cap,
        referred=each.eligibility.verdict == "referred",
    )


def _wishes(question: Question, person: Situation) -> Wishes:
    return Wishes(
        topics=question.asked_topics,
        confidence=question.confidence,
        needs=person.needs,
        dependants=person.dependants,
        age=age_of(question.facts, question.day),
        domains=question.domains,
    )


def _with_reasons(each: Considered, ranked: Ranked) -> Considered:
    return replace(each, codes=(*ranked.codes, *(code for code in each.eligibility.codes if code not in ranked.codes)))


def domains_of(traits: Mapping[str, object]) -> frozenset[str]:
    """The domains that a person likes, from traits such as `likes_travel`."""
    return frozenset(
        name.removeprefix("likes_") for name, on in traits.items() if name.startswith("likes_") and on is True
    )
