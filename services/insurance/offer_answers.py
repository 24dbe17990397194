"""A decision about offers as it is told to people: localised, with prices, assumptions and disclosures."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from services.insurance.offering import Considered, Decision, Gate
from services.insurance.rating.fund import FundRating
from services.insurance.rating.premium import PremiumRating
from services.insurance.rating.rate import Rating
from services.insurance.rating.repayment import RepaymentRating
from services.insurance.rating.tariff import written
from services.insurance.schemas import IndicativeRepayment, Link, NotOffered, Offer, Offers, OfferSuitability
from services.insurance.suitability import Verdict
from services.insurance.texts import say, say_about, say_all, subject
from services.kit.money import Money
from services.kit.wire import Locale, localise

ALWAYS_DISCLOSED = ("ranking", "licensed-handoff")

CONSENT = Link(rel="consent", href="/v1/consents", method="POST")
SUITABILITY = Link(rel="suitability", href="/v1/suitability", method="POST")
QUESTIONS = Link(rel="suitability-questions", href="/v1/suitability/questions", method="GET")
IDENTIFY = Link(rel="identify", href="/v1/identify", method="POST")

_LINKS: dict[Gate, list[Link]] = {
    "consent_required": [CONSENT],
    "suitability_required": [SUITABILITY, QUESTIONS],
}


def closed(reason: Gate, locale: Locale) -> Offers:
    """The answer at a closed gate: no product was looked at."""
    return Offers(
        offers=[],
        reason=reason,
        reason_text=say(reason, locale),
        links=_LINKS[reason],
        disclosures=list(ALWAYS_DISCLOSED),
        considered=0,
    )


@dataclass(frozen=True, slots=True)
class Reader:
    """Who the answer is for, and how much of it they want."""

    consents: Mapping[str, bool]
    senior: bool
    limit: int
    explain: bool
    locale: Locale


def answer(decision: Decision, reader: Reader) -> Offers:
    """The best offers, and the products that were asked for (with `explain`: all) and not offered, with reasons."""
    shown, locale = decision.offered[: reader.limit], reader.locale
    reason = None if decision.offered else "none_suitable"
    missing = decision.missing_facts
    refused = [each for each in decision.refused if reader.explain or each.asked_for]
    return Offers(
        offers=[_offer(each, reader) for each in shown],
        reason=reason,
        reason_text=say(reason, locale) if reason else None,
        missing_facts=missing,
        not_offered=[_not_offered(each, locale) for each in refused],
        links=[IDENTIFY] if missing else [],
        disclosures=_disclosures(shown, reader.senior),
        considered=len(decision.offered) + len(decision.refused),
    )


def _disclosures(shown: tuple[Considered, ...], senior: bool) -> list[str]:
    kinds = {each.product.kind for each in shown}
    conditions = {
        "indicative-prices": bool(shown),
        "illustrative-products": any(each.product.definition.illustrative for each in shown),
        "borrow-carefully": bool(kinds & {"loan", "instalment"}),
        "capital-at-risk": "wealth" in kinds,
        "senior-protection": senior,
    }
    return [*ALWAYS_DISCLOSED, *(code for code, applies in conditions.items() if applies)]


def _offer(each: Considered, reader: Reader) -> Offer:
    definition, rating, locale = each.product.definition, each.rating, reader.locale
    verdict = each.verdict or Verdict("suitable")
    return Offer(
        product_id=definition.product_id,
        version=definition.version,
        title=localise(definition.title, locale),
        kind=definition.kind,
        summary=localise(definition.summary, locale),
        suitability=OfferSuitability(
            verdict=verdict.outcome, reason_codes=list(verdict.codes), reasons=say_all(verdict.codes, locale)
        ),
        indicative_premium=_money(rating.premium, rating) if isinstance(rating, PremiumRating) else None,
        premium_period=rating.period if isinstance(rating, PremiumRating) else None,
        repayment=_repayment(rating) if isinstance(rating, RepaymentRating) else None,
        minimum_purchase=_money(rating.minimum_purchase, rating) if isinstance(rating, FundRating) else None,
        assumptions=[_assumption(each, name, locale) for name in each.assumed],
        missing_consents=[purpose for purpose in definition.consents if reader.consents.get(purpose) is not True],
        topics=definition.topics,
        illustrative=definition.illustrative,
        reason_codes=list(each.codes),
        reasons=say_all(each.codes, locale),
    )


def _not_offered(each: Considered, locale: Locale) -> NotOffered:
    definition = each.product.definition
    reasons = say_all(each.codes, locale)
    stage = each.stage if each.stage != "offered" else "suitability"
    verdict = each.verdict.outcome if each.verdict else each.eligibility.verdict
    mismatch = stage == "suitability" and each.asked_for
    return NotOffered(
        product_id=definition.product_id,
        version=definition.version,
        title=localise(definition.title, locale),
        kind=definition.kind,
        stage=stage,
        verdict=verdict,
        reason_codes=list(each.codes),
        reasons=reasons,
        advice=say_about("advise_to_stop", reasons, locale) if mismatch else None,
    )


def _assumption(each: Considered, name: str, locale: Locale) -> str:
    title = localise(each.product.inputs.properties[name]["x-title"], locale)
    return f"{title}: {subject(written(each.inputs[name]), locale)}"


def _money(amount: Decimal, rating: Rating) -> Money:
    return Money(amount=amount, currency=rating.currency)


def _repayment(rating: RepaymentRating) -> IndicativeRepayment:
    return IndicativeRepayment(
        principal=_money(rating.principal, rating),
        payment=_money(rating.payment, rating),
        months=rating.months,
        total_cost=_money(rating.total_cost, rating),
        apr=format(rating.apr, "f"),
    )
