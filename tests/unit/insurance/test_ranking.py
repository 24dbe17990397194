"""Ranking: needs first, deterministic, and blind to what anybody earns."""

from dataclasses import fields
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.insurance.definition import ProductDefinition
from services.insurance.definition_files import InvalidDefinition, parse_definition, shipped
from services.insurance.offering import Considered
from services.insurance.product import Product
from services.insurance.ranking import Candidate, Ranked, Wishes, rank, score
from services.insurance.suitability import Cost, Fit

EARNINGS = (
    "commission",
    "margin",
    "revenue",
    "payout",
    "brokerage",
    "kickback",
    "incentive",
    "bonus",
    "referral_fee",
    "profit",
)


def candidate(product_id: str = "p", **changes: Any) -> Candidate:
    values: dict[str, Any] = {
        "topics": ("accident",),
        "needs": frozenset({"accident"}),
        "share_of_income": None,
        "share_cap": Decimal("0.20"),
        "referred": False,
        **changes,
    }
    return Candidate(product_id=product_id, **values)


def wishes(**changes: Any) -> Wishes:
    values: dict[str, Any] = {
        "topics": frozenset(),
        "confidence": Decimal(0),
        "needs": frozenset(),
        "dependants": 0,
        "age": 30,
        "domains": frozenset(),
        **changes,
    }
    return Wishes(**values)


def test_points_come_with_their_reasons_weightiest_first() -> None:
    person = wishes(
        topics=frozenset({"accident"}),
        confidence=Decimal("0.93"),
        needs=frozenset({"accident"}),
        domains=frozenset({"travel"}),
    )
    assert score(candidate(share_of_income=Decimal("0.10")), person) == Ranked(
        "p", 93 + 40 + 10 + 5, ("asked_for:accident", "need:accident", "interest:travel", "affordable")
    )


def test_stages_of_life_count() -> None:
    family = candidate(needs=frozenset({"family_protection"}), topics=("life",))
    assert score(family, wishes(dependants=2)).codes == ("life:dependants",)
    pension = candidate(needs=frozenset({"retirement"}), topics=("annuity",))
    assert score(pension, wishes(age=45)).codes == ("life:later",)
    assert score(pension, wishes(age=44)).codes == ()
    assert score(pension, wishes(age=None)).codes == ()


def test_an_underwriters_look_costs_points_and_is_said() -> None:
    ranked = score(candidate(referred=True), wishes(needs=frozenset({"accident"})))
    assert (ranked.points, ranked.codes) == (20, ("need:accident", "subject_to_underwriting"))


def test_what_takes_less_of_income_comes_first() -> None:
    cheap, dear = candidate("z", share_of_income=Decimal("0.01")), candidate("a", share_of_income=Decimal("0.19"))
    assert [each.product_id for each in rank([dear, cheap], wishes())] == ["z", "a"]


@given(st.permutations(["a", "b", "c", "d"]))
def test_equal_points_are_ordered_by_id_whatever_the_order_given(order: list[str]) -> None:
    assert [each.product_id for each in rank([candidate(each) for each in order], wishes())] == ["a", "b", "c", "d"]


def test_nothing_that_ranking_sees_says_what_anybody_earns() -> None:
    seen = [Candidate, Wishes, Considered, Product, Fit, Cost]
    names = [field.name for each in seen for field in fields(each)] + list(ProductDefinition.model_fields)
    assert [name for name in names if any(word in name for word in EARNINGS)] == []
    assert {field.name for field in fields(Candidate)} == {
        "product_id", "topics", "needs", "share_of_income", "share_cap", "referred",
    }  # fmt: skip


@pytest.mark.parametrize("name", EARNINGS)
def test_a_definition_cannot_say_what_anybody_earns(name: str) -> None:
    document = {**shipped()[0].document, name: "0.30"}
    with pytest.raises(InvalidDefinition, match=f"{name}: Extra inputs are not permitted"):
        parse_definition(document, "p.v1.json")
