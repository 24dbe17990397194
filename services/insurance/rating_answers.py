"""A rating as it is told on the wire."""

from datetime import datetime
from decimal import Decimal

from services.insurance.product import Product
from services.insurance.product_schemas import Charge, Charges, RatingAnswer, Repayment, TraceStep
from services.insurance.rating.fund import FundRating
from services.insurance.rating.premium import PremiumRating
from services.insurance.rating.rate import Rating
from services.insurance.rating.repayment import RepaymentRating
from services.kit.money import Money


def rating_answer(product: Product, rating: Rating, age: int | None, as_of: datetime) -> RatingAnswer:
    """The price with its calculation."""
    rounding = product.definition.rating.rounding
    return RatingAnswer(
        product_id=product.product_id,
        version=product.definition.version,
        kind=product.kind,
        table_version=rating.table_version,
        rounding=f"{rounding.rule} to {rounding.step}",
        age=age,
        premium=_money(rating.premium, rating) if isinstance(rating, PremiumRating) else None,
        premium_period=rating.period if isinstance(rating, PremiumRating) else None,
        repayment=_repayment(rating) if isinstance(rating, RepaymentRating) else None,
        charges=_charges(rating) if isinstance(rating, FundRating) else None,
        trace=[TraceStep.model_validate(step, from_attributes=True) for step in rating.trace],
        illustrative=product.definition.illustrative,
        as_of=as_of,
    )


def _money(amount: Decimal, rating: Rating) -> Money:
    return Money(amount=amount, currency=rating.currency)


def _repayment(rating: RepaymentRating) -> Repayment:
    return Repayment(
        principal=_money(rating.principal, rating),
        months=rating.months,
        payment=_money(rating.payment, rating),
        last_payment=_money(rating.last_payment, rating),
        upfront_fee=_money(rating.upfront_fee, rating),
        total_repaid=_money(rating.total_repaid, rating),
        total_cost=_money(rating.total_cost, rating),
        apr=rating.apr,
        effective_annual_rate=rating.effective_annual_rate,
    )


def _charges(rating: FundRating) -> Charges:
    return Charges(
        minimum_purchase=_money(rating.minimum_purchase, rating),
        invested=_money(rating.invested, rating),
        charges=[
            Charge(code=each.code, rate=each.rate, amount=_money(each.amount, rating), inside_value=each.inside_value)
            for each in rating.charges
        ],
        total=_money(rating.total_charges, rating),
    )
