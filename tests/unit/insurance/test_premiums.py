"""Premiums of the shipped products, worked out again by hand: exact to the fen."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from services.insurance.definition_files import shipped
from services.insurance.product import Product, prepare
from services.insurance.rating.premium import PremiumRating
from services.insurance.rating.trace import RatingRefused, Rounding

PRODUCTS = {file.definition.product_id: prepare(file.definition, file.document, file.checksum) for file in shipped()}
DAY = date(2026, 6, 1)


def premium(product_id: str, inputs: dict[str, Any], day: date = DAY) -> PremiumRating:
    product: Product = PRODUCTS[product_id]
    assert product.inputs.problems(inputs) == []
    rating = product.price(inputs, day)
    assert isinstance(rating, PremiumRating)
    return rating


def worked_out(*factors: str, plus: str = "0", times: str = "1") -> Decimal:
    """The product of the factors, plus a fee, times a tax, rounded half-up: the arithmetic of the page, done here."""
    amount = Decimal(1)
    for factor in factors:
        amount *= Decimal(factor)
    return ((amount + Decimal(plus)) * Decimal(times)).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


@pytest.mark.parametrize(
    ("product_id", "inputs", "expected"),
    [
        (
            "critical-illness-standard",
            {"birth_date": "1985-01-15", "gender": "male", "smoker": True, "sum_insured": 500000, "payment_years": 10},
            # 41 years: 1.52; smoker 1.35; ten years 1.75; size 0.95
            worked_out("8.00", "500", "1.52", "1.00", "1.35", "1.75", "0.95"),
        ),
        (
            "medical-standard",
            {
                "birth_date": "1985-01-15",
                "region": "CN-SH",
                "social_medical": True,
                "deductible": 5000,
                "smoker": False,
            },
            # 368 x 1.45 x 1.15 x 1.00 x 1.30 x 1.00, and a policy fee of 6
            worked_out("368.00", "1.45", "1.15", "1.30", plus="6.00"),
        ),
        (
            "term-life-standard",
            {"birth_date": "1996-06-02", "gender": "female", "smoker": False, "sum_insured": 1000000, "term_years": 30},
            # 29 years on the day before the birthday: 0.78
            worked_out("1.10", "1000", "0.78", "0.55", "1.45", "0.92"),
        ),
        (
            "accident-standard",
            {"birth_date": "1976-06-01", "occupation": "driver", "sum_insured": 1000000},
            # 50 today: 1.25; VAT of 6 %
            worked_out("0.56", "1000", "1.25", "1.80", "0.90", times="1.06"),
        ),
        (
            "travel-trip",
            {"birth_date": "1960-01-01", "trip_days": 10, "destination": "worldwide", "winter_sports": True},
            worked_out("8.50", "10", "1.60", "1.85", "1.50", times="1.06"),
        ),
        (
            "tuition-protection",
            {"course_price": 1999, "course_months": 13, "cover": "full"},
            worked_out("2.80", "19.99", "1.30", "1.45", times="1.06"),
        ),
        (
            "device-cover",
            {"device": "laptop", "device_price": 8999, "device_months": 7, "years": 2, "screen_only": False},
            worked_out("6.20", "89.99", "0.90", "1.15", "1.80", times="1.06"),
        ),
        (
            "retirement-annuity",
            {"birth_date": "1990-06-01", "gender": "female", "monthly_income": 2000, "payout_age": 65},
            worked_out("1780.00", "20", "1.00", "1.06", "0.80"),
        ),
        (
            "accident-senior",
            {"birth_date": "1954-12-31", "sum_insured": 100000},
            worked_out("2.20", "100", "1.30", times="1.06"),
        ),
    ],
)
def test_the_premium_is_the_one_worked_out_by_hand(product_id: str, inputs: dict[str, Any], expected: Decimal) -> None:
    assert premium(product_id, inputs).premium == expected


def test_some_of_them_as_plain_numbers() -> None:
    """The same as literals, so that a mistake in `worked_out` cannot hide one in the product."""
    annuity = {"birth_date": "1990-06-01", "gender": "female", "monthly_income": 2000, "payout_age": 65}
    assert premium("retirement-annuity", annuity).premium == Decimal("30188.80")
    trip = {"birth_date": "1960-01-01", "trip_days": 10, "destination": "worldwide", "winter_sports": True}
    assert premium("travel-trip", trip).premium == Decimal("400.04")  # 377.40 x 1.06 = 400.044
    senior = {"birth_date": "1954-12-31", "sum_insured": 100000}
    assert premium("accident-senior", senior).premium == Decimal("303.16")  # 286 x 1.06 = 303.16


def test_a_small_premium_is_raised_to_the_minimum_before_tax() -> None:
    rating = premium("tuition-protection", {"course_price": 50, "course_months": 1, "cover": "basic"})
    assert rating.premium == Decimal("6.36")  # 2.80 x 0.5 x 0.80 = 1.12, raised to 6.00, times 1.06
    assert [step.code for step in rating.trace] == [
        "base_rate", "units", "course_months", "cover", "minimum_premium", "vat", "rounding",
    ]  # fmt: skip


def test_halves_are_rounded_up_not_to_even() -> None:
    fen = Rounding(Decimal("0.01"))
    assert [fen.apply(Decimal(each)) for each in ("0.125", "0.135", "0.1249999999999999999999999999999999")] == [
        Decimal("0.13"), Decimal("0.14"), Decimal("0.12"),
    ]  # fmt: skip
    assert Rounding(Decimal("0.05")).apply(Decimal("1.025")) == Decimal("1.05")
    # 2.80 x 12.25 x 1.00 x 1.45 x 1.06 = 52.71910: up; 6.20 x 50 x 0.55 x 1.06 = 180.73 exactly
    full = {"course_price": 1225, "course_months": 4, "cover": "full"}
    assert premium("tuition-protection", full).premium == Decimal("52.72")
    screen = {"device": "tablet", "device_price": 5000, "device_months": 0, "years": 1, "screen_only": True}
    assert premium("device-cover", screen).premium == Decimal("180.73")


def test_the_trace_names_input_value_factor_and_running_amount() -> None:
    inputs = {"birth_date": "1976-06-01", "occupation": "driver", "sum_insured": 1000000}
    [_, _, age, occupation, *_] = premium("accident-standard", inputs).trace
    assert (age.code, age.input, age.value, age.operand, age.amount) == (
        "age",
        "age",
        "50",
        Decimal("1.25"),
        Decimal(700),
    )
    assert (occupation.value, occupation.operand, occupation.amount) == ("driver", Decimal("1.80"), Decimal(1260))


def test_an_age_outside_the_table_is_refused_by_name() -> None:
    with pytest.raises(RatingRefused) as refused:
        premium("accident-senior", {"birth_date": "1980-01-01", "sum_insured": 50000})
    assert (refused.value.code, refused.value.input) == ("outside_table", "age")


def test_a_birth_date_in_the_future_is_refused_by_name() -> None:
    with pytest.raises(RatingRefused) as refused:
        premium("accident-senior", {"birth_date": "2030-01-01", "sum_insured": 50000})
    assert (refused.value.code, refused.value.input) == ("in_the_future", "birth_date")
