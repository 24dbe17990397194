"""What a rating table says, as frozen values ready to compute with."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from services.insurance.rating.trace import RatingRefused, Rounding

Input = int | str | bool
Inputs = Mapping[str, Input]
Period = Literal["once", "trip", "course", "month", "year"]


def written(value: Input) -> str:
    """An input as tables write it: `true`, `35`, `CN-BJ`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def required(inputs: Inputs, name: str) -> Input:
    """The input, or a refusal that names it."""
    if name not in inputs:
        raise RatingRefused("missing_input", name, f"{name} is needed for a price")
    return inputs[name]


def whole(inputs: Inputs, name: str) -> int:
    """A whole-number input, or a refusal that names it."""
    value = required(inputs, name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise RatingRefused("not_a_whole_number", name, f"{name} must be a whole number")
    return value


@dataclass(frozen=True, slots=True)
class BandTable:
    """Whole numbers from `lowest` on, cut into bands that end at `uppers` (inclusive, ascending), a value for each."""

    lowest: int
    uppers: tuple[int, ...]
    values: tuple[Decimal, ...]

    def at(self, number: int) -> Decimal | None:
        """The value of the band that holds `number`; None outside the table."""
        position = bisect_left(self.uppers, number)
        if number < self.lowest or position == len(self.uppers):
            return None
        return self.values[position]


@dataclass(frozen=True, slots=True)
class BandedFactor:
    """A factor by the band of a whole-number input."""

    code: str
    input: str
    table: BandTable

    def of(self, inputs: Inputs) -> tuple[str, Decimal]:
        number = whole(inputs, self.input)
        factor = self.table.at(number)
        if factor is None:
            raise RatingRefused("outside_table", self.input, f"the table has no {self.input} of {number}")
        return str(number), factor


@dataclass(frozen=True, slots=True)
class ListedFactor:
    """A factor by the value of an input; `otherwise` for the values that are not listed, when the table has one."""

    code: str
    input: str
    values: Mapping[str, Decimal]
    otherwise: Decimal | None = None

    def of(self, inputs: Inputs) -> tuple[str, Decimal]:
        value = written(required(inputs, self.input))
        factor = self.values.get(value, self.otherwise)
        if factor is None:
            raise RatingRefused("outside_table", self.input, f"the table has no {self.input} of this value")
        return value, factor


Factor = BandedFactor | ListedFactor


@dataclass(frozen=True, slots=True)
class Base:
    """The rate that everything multiplies: a flat amount, or `rate` for each `unit` of the input `measure`."""

    rate: Decimal
    measure: str | None = None
    unit: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Fee:
    """An amount added to the premium."""

    code: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Tax:
    """A share of the premium with its fees, added to it."""

    code: str
    rate: Decimal


@dataclass(frozen=True, slots=True)
class PremiumTariff:
    """Base, times factors, at least `minimum`, plus fees, plus taxes, rounded."""

    table_version: str
    currency: str
    period: Period
    base: Base
    factors: tuple[Factor, ...]
    minimum: Decimal
    fees: tuple[Fee, ...]
    taxes: tuple[Tax, ...]
    rounding: Rounding


@dataclass(frozen=True, slots=True)
class RepaymentTariff:
    """Credit repaid monthly: level payments at a yearly rate, or equal parts plus a flat monthly fee on the principal.

    `rates` are by number of months: nominal yearly rates for `annuity`, monthly shares of the principal for `flat`.
    """

    table_version: str
    currency: str
    style: Literal["annuity", "flat"]
    principal: str
    months: str
    rates: BandTable
    upfront_fee: Decimal
    rounding: Rounding


@dataclass(frozen=True, slots=True)
class YearlyCharge:
    """A share of the holding taken by the fund each year; already inside its net asset value."""

    code: str
    rate: Decimal


@dataclass(frozen=True, slots=True)
class FundTariff:
    """What holding a fund costs. `purchase` is by amount, `redemption` by days held; both are rates."""

    table_version: str
    currency: str
    amount: str
    days: str
    minimum_purchase: Decimal
    purchase: BandTable
    redemption: BandTable
    yearly: tuple[YearlyCharge, ...]
    rounding: Rounding


Tariff = PremiumTariff | RepaymentTariff | FundTariff
