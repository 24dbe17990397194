"""The rating part of a product definition: tables as they are written down, checked, and compiled into a tariff."""

from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from services.insurance.rating.tariff import (
    BandedFactor,
    BandTable,
    Base,
    Factor,
    Fee,
    FundTariff,
    ListedFactor,
    Period,
    PremiumTariff,
    RepaymentTariff,
    Tax,
    YearlyCharge,
)
from services.insurance.rating.trace import Rounding
from services.kit.wire import EdgeModel

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,63}$")]
Number = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=8, allow_inf_nan=False)]
Positive = Annotated[Decimal, Field(gt=0, max_digits=18, decimal_places=8, allow_inf_nan=False)]
TableVersion = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z.\-]{1,32}$")]


class Band(EdgeModel):
    """Whole numbers from `from` to `to`, both included, and their value."""

    lowest: int = Field(alias="from")
    highest: int = Field(alias="to")
    value: Number


class RoundingRule(EdgeModel):
    """How the result is rounded, stated where the rates are stated."""

    rule: Literal["half_up"]
    step: Positive

    def compiled(self) -> Rounding:
        return Rounding(self.step)


class Banded(EdgeModel):
    """Bands without gaps or overlaps, in ascending order; `monotone` where the trade expects values to rise or fall."""

    bands: list[Band] = Field(min_length=1)
    monotone: Literal["rising", "falling"] | None = None

    @model_validator(mode="after")
    def _contiguous(self) -> Self:
        for band in self.bands:
            if band.highest < band.lowest:
                raise ValueError(f"the band {band.lowest} to {band.highest} ends before it begins")
        for before, after in pairwise(self.bands):
            if after.lowest != before.highest + 1:
                raise ValueError(f"bands must follow each other: {after.lowest} does not follow {before.highest}")
        return self

    @model_validator(mode="after")
    def _monotone(self) -> Self:
        values = [band.value for band in self.bands]
        sign = {"rising": 1, "falling": -1, None: 0}[self.monotone]
        if any((after - before) * sign < 0 for before, after in pairwise(values)):
            raise ValueError(f"values must be {self.monotone}")
        return self

    @property
    def lowest(self) -> int:
        return self.bands[0].lowest

    @property
    def highest(self) -> int:
        return self.bands[-1].highest

    def table(self) -> BandTable:
        return BandTable(
            self.lowest, tuple(band.highest for band in self.bands), tuple(band.value for band in self.bands)
        )


class FactorByBand(Banded):
    """A factor by the band of a whole-number input."""

    code: Code
    by: Literal["band"]
    input: Code

    def compiled(self) -> Factor:
        return BandedFactor(self.code, self.input, self.table())


class FactorByValue(EdgeModel):
    """A factor by the value of an input; `otherwise` stands for all values that are not listed."""

    code: Code
    by: Literal["value"]
    input: Code
    values: dict[str, Positive] = Field(min_length=1)
    otherwise: Positive | None = None

    def compiled(self) -> Factor:
        return ListedFactor(self.code, self.input, self.values, self.otherwise)


class BaseRate(EdgeModel):
    """A flat amount, or a rate for each `unit` of the input `measure`."""

    rate: Positive
    measure: Code | None = None
    unit: Positive = Decimal(1)


class FeeLine(EdgeModel):
    code: Code
    amount: Number


class TaxLine(EdgeModel):
    code: Code
    rate: Number


class PremiumRates(EdgeModel):
    """How a premium of insurance is made."""

    method: Literal["premium"]
    table_version: TableVersion
    rounding: RoundingRule
    period: Period
    base: BaseRate
    factors: list[Annotated[FactorByBand | FactorByValue, Field(discriminator="by")]]
    minimum_premium: Number
    fees: list[FeeLine] = Field(default_factory=list)
    taxes: list[TaxLine] = Field(default_factory=list)

    def compiled(self, currency: str) -> PremiumTariff:
        return PremiumTariff(
            table_version=self.table_version,
            currency=currency,
            period=self.period,
            base=Base(self.base.rate, self.base.measure, self.base.unit),
            factors=tuple(factor.compiled() for factor in self.factors),
            minimum=self.minimum_premium,
            fees=tuple(Fee(fee.code, fee.amount) for fee in self.fees),
            taxes=tuple(Tax(tax.code, tax.rate) for tax in self.taxes),
            rounding=self.rounding.compiled(),
        )


class RepaymentRates(EdgeModel):
    """How credit is repaid. `rates`: nominal yearly rates for `annuity`, monthly shares of the principal for `flat`."""

    method: Literal["repayment"]
    table_version: TableVersion
    rounding: RoundingRule
    style: Literal["annuity", "flat"]
    principal: Code
    months: Code
    rates: Banded
    upfront_fee: Annotated[Number, Field(lt=1)] = Decimal(0)

    def compiled(self, currency: str) -> RepaymentTariff:
        return RepaymentTariff(
            table_version=self.table_version,
            currency=currency,
            style=self.style,
            principal=self.principal,
            months=self.months,
            rates=self.rates.table(),
            upfront_fee=self.upfront_fee,
            rounding=self.rounding.compiled(),
        )


class FundRates(EdgeModel):
    """What holding a fund costs: `purchase` by amount, `redemption` by days held, `yearly` inside the net asset value."""

    method: Literal["fund"]
    table_version: TableVersion
    rounding: RoundingRule
    amount: Code
    days: Code
    minimum_purchase: Positive
    purchase: Banded
    redemption: Banded
    yearly: list[TaxLine]

    def compiled(self, currency: str) -> FundTariff:
        return FundTariff(
            table_version=self.table_version,
            currency=currency,
            amount=self.amount,
            days=self.days,
            minimum_purchase=self.minimum_purchase,
            purchase=self.purchase.table(),
            redemption=self.redemption.table(),
            yearly=tuple(YearlyCharge(charge.code, charge.rate) for charge in self.yearly),
            rounding=self.rounding.compiled(),
        )


Rates = Annotated[PremiumRates | RepaymentRates | FundRates, Field(discriminator="method")]
