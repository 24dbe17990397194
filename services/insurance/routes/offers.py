"""Offers: what suits a person now, ranked and priced; and the texts behind the disclosure codes."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query

from services.insurance import suitability_store
from services.insurance.age import local_date
from services.insurance.eligibility import Fact
from services.insurance.offer_answers import Reader, answer, closed
from services.insurance.offering import Question, Standing, decide, domains_of, gate
from services.insurance.resources import Held, Resources
from services.insurance.schemas import Disclosures, Offers, OffersRequest
from services.insurance.suitability_answers import standing_of
from services.insurance.texts import disclosures
from services.kit.identity import Caller, requires
from services.kit.wire import DEFAULT_LOCALE, Locale

router = APIRouter(tags=["offers"])

_CENT = Decimal("0.01")


@router.post("/v1/offers")
async def make_offers(body: OffersRequest, held: Held, caller: Annotated[Caller, requires("offers:read")]) -> Offers:
    """What suits a person: consent first, then suitability, then eligibility, price and rank.

    Nothing is offered without consent and an unexpired suitability record, and nothing that does not suit.
    """
    caller.require_self(body.user_id)
    question = _question(body, held)
    standing = None
    if question.consents is not None and question.consents.get("finance") is True:
        standing = await _standing(held, caller.tenant_id, body.user_id)
    shut = gate(question, standing)
    if shut is not None or standing is None:
        return closed(shut or "suitability_required", body.locale)
    shelf = await held.catalogue.shelf(caller.tenant_id)
    decision = decide(question, shelf.products, standing, held.rule_set)
    reader = Reader(
        consents=question.consents or {},
        senior=standing.situation.senior,
        limit=body.limit,
        explain=body.explain,
        locale=body.locale,
    )
    return answer(decision, reader)


@router.get("/v1/disclosures")
async def read_disclosures(
    caller: Annotated[Caller, requires("products:read")], locale: Annotated[Locale, Query()] = DEFAULT_LOCALE
) -> Disclosures:
    """What each disclosure code says, in one language."""
    return Disclosures(data=list(disclosures(locale)))


async def _standing(held: Resources, tenant_id: str, user_id: str) -> Standing | None:
    async with held.db.connect() as connection:
        row = await suitability_store.newest_record(connection, tenant_id, user_id)
    return standing_of(row, held.rules, held.rule_set)


def _question(body: OffersRequest, held: Resources) -> Question:
    person, intent = body.person, body.intent
    moment: datetime = body.as_of or held.now()
    return Question(
        facts=_facts(body),
        consents=person.consents if person is not None else None,
        domains=domains_of(person.traits) if person is not None else frozenset(),
        label=intent.label if intent is not None else None,
        topics=frozenset(intent.topics) if intent is not None else frozenset(),
        confidence=Decimal(intent.confidence).quantize(_CENT) if intent is not None else Decimal(0),
        moment=moment,
        day=local_date(moment, held.rules.timezone),
    )


def _facts(body: OffersRequest) -> dict[str, Fact]:
    """Declared facts that rules can read; anything else counts as missing."""
    facts = body.person.facts if body.person is not None else {}
    return {name: value for name, value in facts.items() if isinstance(value, str | int | bool)}
