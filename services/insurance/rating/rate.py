"""One entry for every kind of tariff."""

from typing import assert_never

from services.insurance.rating.fund import FundRating, rate_fund
from services.insurance.rating.premium import PremiumRating, rate_premium
from services.insurance.rating.repayment import RepaymentRating, rate_repayment
from services.insurance.rating.tariff import FundTariff, Inputs, PremiumTariff, RepaymentTariff, Tariff

Rating = PremiumRating | RepaymentRating | FundRating


def rate(tariff: Tariff, inputs: Inputs) -> Rating:
    """The rating of inputs under a tariff. Raises RatingRefused, naming the input at fault."""
    match tariff:
        case PremiumTariff():
            return rate_premium(tariff, inputs)
        case RepaymentTariff():
            return rate_repayment(tariff, inputs)
        case FundTariff():
            return rate_fund(tariff, inputs)
        case _:
            assert_never(tariff)
