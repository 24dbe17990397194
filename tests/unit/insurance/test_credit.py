"""Payments and yearly rates of credit, against published examples and independent arithmetic."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.insurance.rating.apr import NoRate, effective_annual, nominal_annual, period_rate
from services.insurance.rating.repayment import level_payment, rate_repayment
from services.insurance.rating.tariff import BandTable, RepaymentTariff
from services.insurance.rating.trace import RatingRefused, Rounding

FEN = Rounding(Decimal("0.01"))


def tariff(style: str, rate: str, fee: str = "0") -> RepaymentTariff:
    table = BandTable(1, (360,), (Decimal(rate),))
    return RepaymentTariff("t", "CNY", style, "amount", "months", table, Decimal(fee), FEN)  # type: ignore[arg-type]


def bisected(advance: float, payments: list[float]) -> float:
    """The period's rate in floats, by bisection alone: another method than the one under test."""
    low, high = 0.0, 1.0
    for _ in range(200):
        rate = (low + high) / 2
        value = sum(payment / (1 + rate) ** (k + 1) for k, payment in enumerate(payments))
        low, high = (rate, high) if value > advance else (low, rate)
    return low


def test_the_example_of_regulation_z() -> None:
    """12 CFR 1026, Appendix J (c)(1)(i): 5,000 repaid by 24 monthly payments of 230 is 9.69 %."""
    rate = period_rate(Decimal(5000), [Decimal(230)] * 24)
    assert round(nominal_annual(rate, 12) * 100, 2) == Decimal("9.69")


def test_the_example_of_the_consumer_credit_directive() -> None:
    """1,000 repaid by 600 after one year and 600 after two: 1.1307 and so 13.07 %."""
    rate = period_rate(Decimal(1000), [Decimal(600)] * 2)
    assert round(effective_annual(rate, 1) * 100, 2) == Decimal("13.07")


def test_well_known_level_payments() -> None:
    assert FEN.apply(level_payment(Decimal(10000), Decimal("0.01"), 12)) == Decimal("888.49")
    assert FEN.apply(level_payment(Decimal(100000), Decimal("0.06") / 12, 360)) == Decimal("599.55")
    assert level_payment(Decimal(1200), Decimal(0), 12) == 100


def test_an_annuity_loan_is_repaid_to_the_fen() -> None:
    rating = rate_repayment(tariff("annuity", "0.12"), {"amount": 10000, "months": 12})
    balance = Decimal(10000)
    for month in range(1, 13):
        balance += FEN.apply(balance * Decimal("0.01"))
        balance -= rating.payment if month < 12 else rating.last_payment
    assert balance == 0
    assert (rating.payment, rating.last_payment, rating.total_cost) == (
        Decimal("888.49"), Decimal("888.47"), Decimal("661.86"),
    )  # fmt: skip


def test_a_fee_taken_at_payout_raises_the_yearly_rate() -> None:
    plain = rate_repayment(tariff("annuity", "0.084"), {"amount": 20000, "months": 24})
    with_fee = rate_repayment(tariff("annuity", "0.084", "0.01"), {"amount": 20000, "months": 24})
    assert plain.payment == with_fee.payment
    assert with_fee.upfront_fee == 200
    flows = [float(with_fee.payment)] * 23 + [float(with_fee.last_payment)]
    assert float(with_fee.apr) == pytest.approx(12 * bisected(19800, flows), abs=1e-6)
    assert float(plain.apr) == pytest.approx(0.084, abs=1e-5)


def test_a_flat_fee_costs_nearly_twice_what_it_says() -> None:
    rating = rate_repayment(tariff("flat", "0.005"), {"amount": 3000, "months": 12})
    assert (rating.payment, rating.total_repaid) == (Decimal("265.00"), Decimal("3180.00"))
    assert float(rating.apr) == pytest.approx(12 * bisected(3000, [265.0] * 12), abs=1e-6)
    assert rating.apr == Decimal("0.108964")


def test_the_last_flat_part_takes_up_what_rounding_left() -> None:
    rating = rate_repayment(tariff("flat", "0"), {"amount": 1000, "months": 3})
    assert (rating.payment, rating.last_payment, rating.total_repaid) == (
        Decimal("333.33"), Decimal("333.34"), Decimal(1000),
    )  # fmt: skip
    assert rating.apr == 0


@given(st.integers(500, 200_000), st.integers(2, 120), st.integers(0, 6000))
def test_the_yearly_rate_agrees_with_bisection(amount: int, months: int, basis_points: int) -> None:
    rating = rate_repayment(tariff("annuity", str(Decimal(basis_points) / 10000)), {"amount": amount, "months": months})
    flows = [float(rating.payment)] * (months - 1) + [float(rating.last_payment)]
    assert float(rating.apr) == pytest.approx(12 * bisected(amount, flows), abs=2e-6)


def test_payments_that_do_not_repay_have_no_rate() -> None:
    with pytest.raises(NoRate):
        period_rate(Decimal(1000), [Decimal(400)] * 2)


def test_months_without_a_rate_are_refused_by_name() -> None:
    with pytest.raises(RatingRefused) as refused:
        rate_repayment(tariff("annuity", "0.1"), {"amount": 1000, "months": 361})
    assert refused.value.input == "months"
