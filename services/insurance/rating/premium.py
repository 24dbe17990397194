"""Premiums of insurance: base rate times factors, a minimum, fees, taxes, and one rounding at the end."""

from dataclasses import dataclass
from decimal import Decimal

from services.insurance.rating.tariff import Inputs, Period, PremiumTariff, whole
from services.insurance.rating.trace import PRECISE, Step


@dataclass(frozen=True, slots=True)
class PremiumRating:
    """A premium for one `period`, with the steps that lead to it."""

    table_version: str
    currency: str
    period: Period
    premium: Decimal
    trace: tuple[Step, ...]


def rate_premium(tariff: PremiumTariff, inputs: Inputs) -> PremiumRating:
    """The premium for inputs. Raises RatingRefused, naming the input, when the table has no price for them."""
    steps = _base(tariff, inputs)
    amount = steps[-1].amount
    for factor in tariff.factors:
        value, operand = factor.of(inputs)
        amount = PRECISE.multiply(amount, operand)
        steps.append(Step(factor.code, "multiply", operand, amount, factor.input, value))
    if amount < tariff.minimum:
        amount = tariff.minimum
        steps.append(Step("minimum_premium", "raise_to", tariff.minimum, amount))
    steps += _loadings(tariff, amount)
    premium = tariff.rounding.apply(steps[-1].amount)
    steps.append(Step("rounding", "round", tariff.rounding.step, premium))
    return PremiumRating(tariff.table_version, tariff.currency, tariff.period, premium, tuple(steps))


def _base(tariff: PremiumTariff, inputs: Inputs) -> list[Step]:
    base = tariff.base
    steps = [Step("base_rate", "set", base.rate, base.rate)]
    if base.measure is not None:
        measured = whole(inputs, base.measure)
        units = PRECISE.divide(Decimal(measured), base.unit)
        amount = PRECISE.multiply(base.rate, units)
        steps.append(Step("units", "multiply", units, amount, base.measure, str(measured)))
    return steps


def _loadings(tariff: PremiumTariff, amount: Decimal) -> list[Step]:
    """Fees first, then taxes on the premium with its fees."""
    steps = []
    for fee in tariff.fees:
        amount = PRECISE.add(amount, fee.amount)
        steps.append(Step(fee.code, "add", fee.amount, amount))
    for tax in tariff.taxes:
        amount = PRECISE.multiply(amount, 1 + tax.rate)
        steps.append(Step(tax.code, "multiply", 1 + tax.rate, amount))
    return steps
