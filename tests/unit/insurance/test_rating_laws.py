"""What holds for every product and every input: deterministic, never negative, monotone, and a trace that adds up."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.insurance.age import completed_years
from services.insurance.definition_files import shipped
from services.insurance.definition_rules import AgeRule
from services.insurance.product import Product, prepare
from services.insurance.rating.fund import FundRating
from services.insurance.rating.premium import PremiumRating
from services.insurance.rating.repayment import RepaymentRating
from services.insurance.rating.trace import replay

PRODUCTS = [prepare(file.definition, file.document, file.checksum) for file in shipped()]
INSURANCE = [product for product in PRODUCTS if product.kind == "insurance"]
DAY = date(2026, 6, 1)


def ages(product: Product) -> tuple[int, int]:
    [rule] = [rule for rule in product.definition.eligibility if isinstance(rule, AgeRule)]
    return rule.lowest, rule.highest


def born(age: int) -> str:
    """A birth date of somebody who is `age` on DAY."""
    return date(DAY.year - age, 1, 1).isoformat()


@st.composite
def valid_inputs(draw: st.DrawFn, product: Product) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    for name, schema in product.inputs.properties.items():
        if name == "birth_date":
            lowest, highest = ages(product)
            inputs[name] = born(draw(st.integers(lowest, highest)))
        elif "enum" in schema:
            inputs[name] = draw(st.sampled_from(schema["enum"]))
        elif schema["type"] == "boolean":
            inputs[name] = draw(st.booleans())
        elif schema["type"] == "integer":
            inputs[name] = draw(st.integers(schema["minimum"], schema["maximum"]))
        elif name == "region":
            inputs[name] = draw(st.sampled_from(["CN-BJ", "CN-SH", "CN-GD", "CN-XJ"]))
        else:
            inputs[name] = draw(st.sampled_from(["engineer", "driver", "beekeeper"]))
    return inputs


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.product_id)
@settings(max_examples=60)
@given(data=st.data())
def test_ratings_are_deterministic_positive_and_explained(product: Product, data: st.DataObject) -> None:
    inputs = data.draw(valid_inputs(product))
    assert product.inputs.problems(inputs) == []
    rating = product.price(inputs, DAY)
    assert product.price(dict(reversed(inputs.items())), DAY) == rating
    match rating:
        case PremiumRating():
            amount = rating.premium
        case RepaymentRating():
            amount = rating.payment
            assert 0 < rating.last_payment <= rating.payment + rating.months * Decimal("0.01")
            assert rating.total_cost >= 0
            assert rating.apr >= 0
        case FundRating():
            amount = rating.invested
            assert min(charge.amount for charge in rating.charges) >= 0
    assert amount > 0
    assert replay(rating.trace) == amount == rating.trace[-1].amount


@pytest.mark.parametrize("product", INSURANCE, ids=lambda product: product.product_id)
@settings(max_examples=60)
@given(data=st.data())
def test_no_premium_falls_with_age_or_with_the_sum_insured(product: Product, data: st.DataObject) -> None:
    inputs = data.draw(valid_inputs(product))
    names = [name for name in ("birth_date", "sum_insured", "monthly_income", "course_price", "device_price", "trip_days")
             if name in inputs]  # fmt: skip
    for name in names:
        other = data.draw(valid_inputs(product))[name]
        smaller, larger = sorted([inputs[name], other], reverse=name == "birth_date")
        low = product.price({**inputs, name: smaller}, DAY)
        high = product.price({**inputs, name: larger}, DAY)
        assert isinstance(low, PremiumRating)
        assert isinstance(high, PremiumRating)
        assert low.premium <= high.premium


@given(st.dates(date(1930, 1, 1), date(2026, 1, 1)), st.integers(0, 365))
def test_a_premium_by_age_changes_on_birthdays_only(birth: date, days: int) -> None:
    product = next(product for product in INSURANCE if product.product_id == "accident-standard")
    inputs = {"birth_date": birth.isoformat(), "occupation": "engineer", "sum_insured": 300000}
    lowest, highest = ages(product)
    before, after = DAY + timedelta(days), DAY + timedelta(days + 1)
    if not (lowest <= completed_years(birth, before) and completed_years(birth, after) <= highest):
        return
    if completed_years(birth, before) == completed_years(birth, after):
        assert product.price(inputs, before) == product.price(inputs, after)
