"""Charges of funds, worked out by hand."""

from datetime import date
from decimal import Decimal

import pytest

from services.insurance.definition_files import shipped
from services.insurance.product import prepare
from services.insurance.rating.fund import FundRating
from services.insurance.rating.trace import RatingRefused

PRODUCTS = {file.definition.product_id: prepare(file.definition, file.document, file.checksum) for file in shipped()}


def charges(product_id: str, amount: int, days: int) -> FundRating:
    rating = PRODUCTS[product_id].price({"amount": amount, "holding_days": days}, date(2026, 6, 1))
    assert isinstance(rating, FundRating)
    return rating


def test_the_purchase_fee_is_taken_from_outside() -> None:
    rating = charges("balanced-fund", 10000, 365)
    # 10000 / 1.015 = 9852.216...; a year: 1.2 % and 0.2 % of it; sold in the second year: 0.25 %
    assert rating.invested == Decimal("9852.22")
    assert {charge.code: charge.amount for charge in rating.charges} == {
        "purchase_fee": Decimal("147.78"),
        "management_fee": Decimal("118.23"),
        "custody_fee": Decimal("19.70"),
        "redemption_fee": Decimal("24.63"),
    }
    assert rating.total_charges == Decimal("310.34")


def test_selling_within_a_week_costs_a_penalty() -> None:
    week = {charge.code: charge.rate for charge in charges("balanced-fund", 10000, 6).charges}
    later = {charge.code: charge.rate for charge in charges("balanced-fund", 10000, 730).charges}
    assert (week["redemption_fee"], later["redemption_fee"]) == (Decimal("0.0150"), 0)


def test_a_money_market_fund_charges_nothing_apart() -> None:
    rating = charges("money-market-fund", 1000, 365)
    assert rating.invested == 1000
    assert rating.total_charges == Decimal("3.00")
    assert all(charge.inside_value for charge in rating.charges if charge.amount)


def test_less_than_the_least_purchase_is_refused_by_name() -> None:
    with pytest.raises(RatingRefused) as refused:
        charges("balanced-fund", 9, 365)
    assert (refused.value.code, refused.value.input) == ("below_minimum_purchase", "amount")
