"""Loans and instalments: the monthly payment, what it all costs, and the yearly rate that this amounts to."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext

from services.insurance.rating.apr import effective_annual, nominal_annual, period_rate
from services.insurance.rating.tariff import Inputs, RepaymentTariff, whole
from services.insurance.rating.trace import PRECISE, RatingRefused, Rounding, Step

_RATE_STEP = Decimal("0.000001")
_MONTHS_A_YEAR = 12


@dataclass(frozen=True, slots=True)
class RepaymentRating:
    """Credit of `principal` repaid in `months` payments; all are `payment` but the last, which clears the balance.

    `apr` is the nominal yearly rate by the actuarial method, fees included; `effective_annual_rate` compounds it.
    """

    table_version: str
    currency: str
    principal: Decimal
    months: int
    payment: Decimal
    last_payment: Decimal
    upfront_fee: Decimal
    total_repaid: Decimal
    total_cost: Decimal
    apr: Decimal
    effective_annual_rate: Decimal
    trace: tuple[Step, ...]


def rate_repayment(tariff: RepaymentTariff, inputs: Inputs) -> RepaymentRating:
    """The payments for an amount and a number of months. Raises RatingRefused, naming the input."""
    principal, months = Decimal(whole(inputs, tariff.principal)), whole(inputs, tariff.months)
    rate = tariff.rates.at(months)
    if rate is None:
        raise RatingRefused("outside_table", tariff.months, f"the table has no {tariff.months} of {months}")
    if principal <= 0:
        raise RatingRefused("not_positive", tariff.principal, f"{tariff.principal} must be above zero")
    with localcontext(PRECISE):
        payment, trace = (_annuity if tariff.style == "annuity" else _flat)(tariff, principal, months, rate)
        last = _last_payment(tariff, principal, months, rate, payment)
        return _rating(tariff, principal, months, payment, last, trace)


def level_payment(principal: Decimal, rate: Decimal, periods: int) -> Decimal:
    """The annuity formula: P·i / (1 - (1 + i)^-n), and P / n without interest. Not rounded."""
    if rate == 0:
        return principal / periods
    return principal * rate / (1 - (1 + rate) ** -periods)


def _annuity(
    tariff: RepaymentTariff, principal: Decimal, months: int, yearly: Decimal
) -> tuple[Decimal, tuple[Step, ...]]:
    per_unit = level_payment(Decimal(1), yearly / _MONTHS_A_YEAR, months)
    exact = principal * per_unit
    payment = tariff.rounding.apply(exact)
    return payment, (
        Step("principal", "set", principal, principal, tariff.principal, str(principal)),
        Step("annuity_factor", "multiply", per_unit, exact, tariff.months, str(months)),
        Step("rounding", "round", tariff.rounding.step, payment),
    )


def _flat(
    tariff: RepaymentTariff, principal: Decimal, months: int, monthly: Decimal
) -> tuple[Decimal, tuple[Step, ...]]:
    part, fee = principal / months, principal * monthly
    payment = tariff.rounding.apply(part + fee)
    return payment, (
        Step("principal", "set", principal, principal, tariff.principal, str(principal)),
        Step("equal_parts", "divide", Decimal(months), part, tariff.months, str(months)),
        Step("monthly_fee", "add", fee, part + fee),
        Step("rounding", "round", tariff.rounding.step, payment),
    )


def _last_payment(tariff: RepaymentTariff, principal: Decimal, months: int, rate: Decimal, payment: Decimal) -> Decimal:
    """What clears the balance after all payments but one, interest rounded each month as the ledger would."""
    if tariff.style == "flat":
        return tariff.rounding.apply(principal + principal * rate * months) - payment * (months - 1)
    balance = principal
    for _ in range(months - 1):
        balance += _interest(balance, rate, tariff.rounding) - payment
    return balance + _interest(balance, rate, tariff.rounding)


def _interest(balance: Decimal, yearly: Decimal, rounding: Rounding) -> Decimal:
    return rounding.apply(balance * yearly / _MONTHS_A_YEAR)


def _rating(
    tariff: RepaymentTariff, principal: Decimal, months: int, payment: Decimal, last: Decimal, trace: tuple[Step, ...]
) -> RepaymentRating:
    fee = tariff.rounding.apply(principal * tariff.upfront_fee)
    total = payment * (months - 1) + last
    rate = period_rate(principal - fee, [*[payment] * (months - 1), last])
    return RepaymentRating(
        table_version=tariff.table_version,
        currency=tariff.currency,
        principal=principal,
        months=months,
        payment=payment,
        last_payment=last,
        upfront_fee=fee,
        total_repaid=total,
        total_cost=total + fee - principal,
        apr=nominal_annual(rate, _MONTHS_A_YEAR).quantize(_RATE_STEP, rounding=ROUND_HALF_UP),
        effective_annual_rate=effective_annual(rate, _MONTHS_A_YEAR).quantize(_RATE_STEP, rounding=ROUND_HALF_UP),
        trace=trace,
    )
