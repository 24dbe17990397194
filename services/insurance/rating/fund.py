"""What holding a fund costs. No premium and no promise of a return: only the charges that are known."""

from dataclasses import dataclass
from decimal import Decimal, localcontext

from services.insurance.rating.tariff import BandTable, FundTariff, Inputs, whole
from services.insurance.rating.trace import PRECISE, RatingRefused, Step

_DAYS_A_YEAR = Decimal(365)


@dataclass(frozen=True, slots=True)
class FundCharge:
    """One charge in money; `inside_value` when it is taken inside the net asset value and not paid apart."""

    code: str
    rate: Decimal
    amount: Decimal
    inside_value: bool


@dataclass(frozen=True, slots=True)
class FundRating:
    """Charges on an amount held for some days at an unchanged value, and what may be bought at least."""

    table_version: str
    currency: str
    minimum_purchase: Decimal
    invested: Decimal
    charges: tuple[FundCharge, ...]
    total_charges: Decimal
    trace: tuple[Step, ...]


def rate_fund(tariff: FundTariff, inputs: Inputs) -> FundRating:
    """The charges for an amount and a holding period. Raises RatingRefused, naming the input."""
    amount, days = whole(inputs, tariff.amount), whole(inputs, tariff.days)
    if amount < tariff.minimum_purchase:
        raise RatingRefused(
            "below_minimum_purchase", tariff.amount, f"at least {tariff.minimum_purchase} must be bought"
        )
    purchase = _rate(tariff.purchase, tariff.amount, amount)
    redemption = _rate(tariff.redemption, tariff.days, days)
    with localcontext(PRECISE):
        invested = tariff.rounding.apply(amount / (1 + purchase))
        charges = [FundCharge("purchase_fee", purchase, amount - invested, False)]
        charges += [
            FundCharge(c.code, c.rate, tariff.rounding.apply(invested * c.rate * days / _DAYS_A_YEAR), True)
            for c in tariff.yearly
        ]
        charges.append(FundCharge("redemption_fee", redemption, tariff.rounding.apply(invested * redemption), False))
        total = sum((charge.amount for charge in charges), Decimal(0))
    trace = (
        Step("amount", "set", Decimal(amount), Decimal(amount), tariff.amount, str(amount)),
        Step("purchase_fee", "divide", 1 + purchase, PRECISE.divide(Decimal(amount), 1 + purchase)),
        Step("rounding", "round", tariff.rounding.step, invested),
    )
    return FundRating(
        tariff.table_version, tariff.currency, tariff.minimum_purchase, invested, tuple(charges), total, trace
    )


def _rate(table: BandTable, name: str, number: int) -> Decimal:
    rate = table.at(number)
    if rate is None:
        raise RatingRefused("outside_table", name, f"the table has no {name} of {number}")
    return rate
